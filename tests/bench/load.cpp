// The load generator of the benchmarks: `load PORT CONNECTIONS N FILE SECONDS`. FILE holds whole HTTP requests, each after its
// length as 4 bytes (little endian); they are sent in order, again from the start when there are fewer than N, each connection
// sending its next one when its answer is complete (a closed loop). One thread, epoll: on a small machine the generator must not
// compete with what it measures.
//
// Prints JSON: wall_s; failed and why (the first answer that was not 200); latency_us of each request from its first byte sent to
// its last byte read; for streams first_us (to the first token), last_us (to the last token) and transit_us (each token's
// way from the upstream's write to here, by the time it carries).
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

static long long now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static std::vector<std::string> requests;
static std::vector<long long> latency, first_token, last_token, transit;
static size_t next_request = 0, done = 0, total = 0, failed = 0;
static std::string why;
static int epoll_fd, port;

struct Conn {
    int fd = -1;
    const std::string *request = nullptr;
    size_t sent = 0;
    std::string head, line, text;  // text: the start of the body, for `why`
    long long start = 0, first = 0, last = 0, left = 0;
    int status = 0, matched = 0;
    unsigned long long stamp = 0;
    bool in_body = false, chunked = false, sized = false, closes = false;
    enum { SIZE, DATA, CRLF, TRAILER } at = SIZE;

    bool open() {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(static_cast<uint16_t>(port));
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, reinterpret_cast<sockaddr *>(&a), sizeof a)) return false;
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = this;
        return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
    }

    void begin() {
        if (next_request == total) {
            request = nullptr;
            return;
        }
        request = &requests[next_request++ % requests.size()];
        sent = 0;
        head.clear(), line.clear(), text.clear();
        first = last = left = 0;
        status = matched = 0;
        in_body = chunked = sized = closes = false;
        at = SIZE;
        start = now_ns();
        push();
    }

    void push() {
        while (request && sent < request->size()) {
            ssize_t k = send(fd, request->data() + sent, request->size() - sent, MSG_NOSIGNAL);
            if (k < 0) break;
            sent += static_cast<size_t>(k);
        }
        epoll_event e{};
        e.events = EPOLLIN | (request && sent < request->size() ? EPOLLOUT : 0u);
        e.data.ptr = this;
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &e);
    }

    void body(const char *p, size_t n, long long t) {
        if (text.size() < 300) text.append(p, std::min(n, 300 - text.size()));
        for (size_t i = 0; i < n; i++) {
            char x = p[i];
            if (matched < 3) {
                matched = x == "tok"[matched] ? matched + 1 : x == 't';
                stamp = 0;
            } else if (x >= 'a' && x <= 'p') {
                stamp = stamp << 4 | static_cast<unsigned>(x - 'a');
                if (++matched == 19) {
                    transit.push_back(t - static_cast<long long>(stamp));
                    if (!first) first = t;
                    last = t;
                    matched = 0;
                }
            } else {
                matched = x == 't';
            }
        }
    }

    // True when the answer is complete.
    bool feed(const char *p, size_t n, long long t) {
        if (!in_body) {
            size_t before = head.size();
            head.append(p, n);
            size_t end = head.find("\r\n\r\n", before > 3 ? before - 3 : 0);
            if (end == std::string::npos) return false;
            size_t rest = head.size() - end - 4;
            p += n - rest, n = rest;
            head.resize(end + 2);
            status = head.size() > 12 ? atoi(head.c_str() + 9) : 0;
            for (char &x : head) x = static_cast<char>(tolower(x));
            size_t found = head.find("\r\ncontent-length:");
            sized = found != std::string::npos;
            if (sized) left = atoll(head.c_str() + found + 17);
            chunked = head.find("\r\ntransfer-encoding: chunked") != std::string::npos;
            closes = head.find("\r\nconnection: close") != std::string::npos;
            in_body = true;
        }
        if (!chunked) {
            body(p, n, t);
            left -= static_cast<long long>(n);
            return sized && left <= 0;
        }
        while (n) {
            if (at == DATA) {
                size_t k = std::min(n, static_cast<size_t>(left));
                body(p, k, t);
                p += k, n -= k, left -= static_cast<long long>(k);
                if (!left) at = CRLF;
                continue;
            }
            char x = *p++;
            n--;
            if (x != '\n') {
                line += x;
                continue;
            }
            bool empty = line == "\r";
            if (at == SIZE) {
                left = strtoll(line.c_str(), nullptr, 16);
                at = left ? DATA : TRAILER;
            } else if (at == CRLF) {
                at = SIZE;
            } else if (empty) {
                return true;
            }
            line.clear();
        }
        return false;
    }

    void finish(long long t, bool good) {
        done++;
        if (!good || status != 200) {
            if (!failed++) why = std::to_string(status) + " " + text;
        } else {
            latency.push_back(t - start);
            if (first) first_token.push_back(first - start), last_token.push_back(last - start);
        }
        if (!good || closes) {
            close(fd);
            if (!open()) exit((fprintf(stderr, "load: cannot connect\n"), 1));
        }
        begin();
    }
};

static void print(const char *name, const std::vector<long long> &values) {
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < values.size(); i++) printf("%s%.1f", i ? "," : "", static_cast<double>(values[i]) / 1000);
    printf("]");
}

int main(int argc, char **argv) {
    if (argc < 6) return fprintf(stderr, "load PORT CONNECTIONS N FILE SECONDS\n"), 2;
    port = atoi(argv[1]);
    total = strtoul(argv[3], nullptr, 10);
    std::ifstream file(argv[4], std::ios::binary);
    std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    for (size_t i = 0; i + 4 <= all.size();) {
        uint32_t size;
        memcpy(&size, all.data() + i, 4);
        requests.push_back(all.substr(i + 4, size));
        i += 4 + size;
    }
    if (requests.empty()) return fprintf(stderr, "load: no requests\n"), 2;
    epoll_fd = epoll_create1(0);
    std::vector<Conn> conns(std::min(strtoul(argv[2], nullptr, 10), total));
    for (Conn &c : conns)
        if (!c.open()) return perror("load: connect"), 1;
    long long start = now_ns(), end = start + atoll(argv[5]) * 1000000000LL;
    for (Conn &c : conns) c.begin();
    epoll_event events[64];
    static char buffer[262144];
    while (done < total && now_ns() < end) {
        int count = epoll_wait(epoll_fd, events, 64, 1000);
        for (int i = 0; i < count; i++) {
            Conn &c = *static_cast<Conn *>(events[i].data.ptr);
            if (events[i].events & EPOLLOUT) c.push();
            if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) continue;
            ssize_t k = recv(c.fd, buffer, sizeof buffer, 0);
            long long t = now_ns();
            if (k < 0 && errno == EAGAIN) continue;
            if (!c.request) {  // closed or talking with nothing asked
                if (k <= 0) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c.fd, nullptr);
            } else if (k <= 0) {
                c.closes = true;
                c.finish(t, c.in_body && !c.chunked && !c.sized);
            } else if (c.feed(buffer, static_cast<size_t>(k), t)) {
                c.finish(t, true);
            }
        }
    }
    long long wall = now_ns() - start;
    if (done < total) {
        failed += total - done;
        if (why.empty()) why = "not answered in time";
    }
    std::string clean;
    for (unsigned char x : why) clean += x < 32 || x == '"' || x == '\\' || x > 126 ? ' ' : static_cast<char>(x);
    printf("{\"wall_s\":%.6f,\"failed\":%zu,\"why\":\"%s\"", static_cast<double>(wall) / 1e9, failed, clean.c_str());
    print("latency_us", latency);
    print("first_us", first_token);
    print("last_us", last_token);
    print("transit_us", transit);
    printf("}\n");
}
