// The mock upstream of the benchmarks: a host on 127.0.0.1 that costs next to nothing, so that what is measured is the gateway in
// front of it. One thread, epoll, HTTP/1.1 keep-alive. `upstream PORT` prints the port it listens on (0: any). It speaks the API that
// the path names: .../messages (Anthropic), .../responses (OpenAI), anything else is chat completions.
//
// The model's name chooses the answer: bench-same (one constant text), bench-new (a text never given before), bench-paced
// (64 tokens, 5 ms apart), bench-flood (256 tokens at once). A streamed token is "tok" and the monotonic time in ns at which it
// was written, as 16 letters a..p, so that the load generator can tell how long each token was under way.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>

static long long now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

enum Api { CHAT, MESSAGES, RESPONSES };

struct Conn {
    std::string in, out, model, said;  // said: the text of a stream so far, which Responses repeats at its end
    Api api = CHAT;
    int number = 0;             // of the next event of a Responses stream
    long long id = 0, due = 0;  // due: when the next token of a paced stream is written
    int left = 0, all = 0;      // tokens still to write, and of how many
    bool streaming = false, usage = false;
    size_t body = 0;
};

static int epoll_fd;
static std::unordered_map<int, Conn> conns;
static std::priority_queue<std::pair<long long, std::pair<int, long long>>> timers;  // (-due, (fd, conn id))
static long long serial = 0;

static void close_conn(int fd) {
    conns.erase(fd);
    close(fd);
}

static void want(int fd, bool write) {
    epoll_event e{};
    e.events = EPOLLIN | (write ? EPOLLOUT : 0u);
    e.data.fd = fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &e);
}

// Write now what the socket takes; keep the rest for EPOLLOUT. False: the peer is gone.
static bool put(int fd, Conn &c, const std::string &data) {
    c.out += data;
    while (!c.out.empty()) {
        ssize_t k = send(fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
        if (k < 0) {
            if (errno != EAGAIN) return false;
            want(fd, true);
            return true;
        }
        c.out.erase(0, k);
    }
    return true;
}

static std::string event(const std::string &json, const std::string &name = "") {
    std::string data = (name.empty() ? "" : "event: " + name + "\n") + "data: " + json + "\n\n";
    char size[24];
    snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
}

static std::string quoted(const std::string &text) { return "\"" + text + "\""; }

static std::string usage_of(const Conn &c, int output) {
    char text[320];
    int prompt = static_cast<int>(c.body / 4) + 1;
    const char *form = c.api == CHAT ? "{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}"
                       : c.api == MESSAGES
                           ? "{\"input_tokens\":%d,\"output_tokens\":%d,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0}"
                           : "{\"input_tokens\":%d,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":%d,"
                             "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":%d}";
    snprintf(text, sizeof text, form, prompt, output, prompt + output);
    return text;
}

// --- chat completions

static std::string frame(const Conn &c, const std::string &delta, const char *finish) {
    return event("{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"" + c.model +
                 "\",\"choices\":[{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + finish + "}]}");
}

// --- Messages

static std::string message(const Conn &c, const std::string &content, const char *stop, int output) {
    return "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"" + c.model + "\",\"content\":[" + content +
           "],\"stop_reason\":" + stop + ",\"stop_sequence\":null,\"usage\":" + usage_of(c, output) + "}";
}

// --- Responses

static std::string part(const std::string &text) {
    return "{\"type\":\"output_text\",\"text\":\"" + text + "\",\"annotations\":[],\"logprobs\":[]}";
}

static std::string item(const std::string &content, const char *status) {
    return std::string("{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"") + status + "\",\"content\":[" + content + "]}";
}

static std::string response(const Conn &c, const std::string &output, const char *status, const std::string &usage) {
    return "{\"id\":\"resp_bench\",\"object\":\"response\",\"created_at\":1700000000,\"status\":\"" + std::string(status) +
           "\",\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"model\":\"" + c.model + "\",\"output\":[" +
           output + "],\"parallel_tool_calls\":true,\"temperature\":1.0,\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"usage\":" + usage + "}";
}

static std::string said(Conn &c, const std::string &type, const std::string &rest) {
    return event("{\"type\":\"" + type + "\",\"sequence_number\":" + std::to_string(c.number++) + "," + rest + "}", type);
}

static const char *AT = "\"item_id\":\"msg_bench\",\"output_index\":0,\"content_index\":0,";

// --- what each of them begins, goes on and ends with

static std::string begin(Conn &c) {
    if (c.api == MESSAGES)
        return event("{\"type\":\"message_start\",\"message\":" + message(c, "", "null", 1) + "}", "message_start") +
               event("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}", "content_block_start");
    if (c.api == RESPONSES) {
        c.number = 0;
        c.said.clear();
        std::string empty = "\"response\":" + response(c, "", "in_progress", "null");
        return said(c, "response.created", empty) + said(c, "response.in_progress", empty) +
               said(c, "response.output_item.added", "\"output_index\":0,\"item\":" + item("", "in_progress")) +
               said(c, "response.content_part.added", AT + ("\"part\":" + part("")));
    }
    return frame(c, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
}

static bool token(int fd, Conn &c) {
    char stamp[32] = "tok";
    unsigned long long t = now_ns();
    for (int i = 0; i < 16; i++) stamp[3 + i] = static_cast<char>('a' + ((t >> (60 - 4 * i)) & 15));
    std::string text = std::string(stamp) + " ";
    c.left--;
    if (c.api == MESSAGES)
        return put(fd, c, event("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":" + quoted(text) + "}}",
                                "content_block_delta"));
    if (c.api == RESPONSES) {
        c.said += text;
        return put(fd, c, said(c, "response.output_text.delta", AT + ("\"delta\":" + quoted(text) + ",\"logprobs\":[]")));
    }
    return put(fd, c, frame(c, "{\"content\":" + quoted(text) + "}", "null"));
}

static bool finish(int fd, Conn &c) {
    c.streaming = false;
    std::string tail;
    if (c.api == MESSAGES) {
        tail = event("{\"type\":\"content_block_stop\",\"index\":0}", "content_block_stop") +
               event("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":" +
                         std::to_string(c.all) + "}}",
                     "message_delta") +
               event("{\"type\":\"message_stop\"}", "message_stop");
    } else if (c.api == RESPONSES) {
        std::string whole = item(part(c.said), "completed");
        tail = said(c, "response.output_text.done", AT + ("\"text\":" + quoted(c.said) + ",\"logprobs\":[]")) +
               said(c, "response.content_part.done", AT + ("\"part\":" + part(c.said))) +
               said(c, "response.output_item.done", "\"output_index\":0,\"item\":" + whole) +
               said(c, "response.completed", "\"response\":" + response(c, whole, "completed", usage_of(c, c.all)));
    } else {
        tail = frame(c, "{}", "\"stop\"");
        if (c.usage)
            tail += event("{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"" + c.model +
                          "\",\"choices\":[],\"usage\":" + usage_of(c, c.all) + "}");
        tail += event("[DONE]");
    }
    return put(fd, c, tail + "0\r\n\r\n");
}

static bool has(const std::string &body, const char *key, const char *value, size_t from = 0) {
    size_t at = body.find(key, from);
    if (at == std::string::npos) return false;
    at += strlen(key);
    while (at < body.size() && (body[at] == ' ' || body[at] == ':')) at++;
    return body.compare(at, strlen(value), value) == 0;
}

static bool reply(int fd, Conn &c, const std::string &body) {
    size_t at = body.find("\"bench-");
    c.model = at == std::string::npos ? "bench-same" : body.substr(at + 1, body.find('"', at + 1) - at - 1);
    c.body = body.size();
    c.usage = has(body, "\"include_usage\"", "true");
    if (has(body, "\"stream\"", "true")) {
        bool paced = c.model == "bench-paced";
        c.left = c.all = paced ? 64 : 256;
        c.streaming = true;
        c.due = now_ns();
        if (!put(fd, c, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + begin(c)))
            return false;
        if (paced) {
            timers.push({-c.due, {fd, c.id}});
            return true;
        }
        while (c.left)
            if (!token(fd, c)) return false;
        return finish(fd, c);
    }
    std::string text = "A short and constant answer of the mock upstream, which says that all of it went well today.";
    if (c.model == "bench-new") {
        static const char *words[] = {"river", "window", "paper", "garden", "copper", "signal", "winter", "market",
                                      "engine", "letter", "bridge", "carpet", "summer", "ticket", "planet", "violin"};
        text = "This answer was never given before:";
        unsigned long long mix = static_cast<unsigned long long>(now_ns()) * 6364136223846793005ULL + 1442695040888963407ULL;
        for (int i = 0; i < 16; i++) text += std::string(" ") + words[(mix >> (4 * i)) & 15];
    }
    std::string json;
    if (c.api == MESSAGES)
        json = message(c, "{\"type\":\"text\",\"text\":" + quoted(text) + "}", "\"end_turn\"", 20);
    else if (c.api == RESPONSES)
        json = response(c, item(part(text), "completed"), "completed", usage_of(c, 20));
    else
        json = "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"" + c.model +
               "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" + quoted(text) +
               "},\"finish_reason\":\"stop\"}],\"usage\":" + usage_of(c, 20) + "}";
    return put(fd, c, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
}

// Answer every whole request in the buffer. False: close.
static bool serve(int fd, Conn &c) {
    while (!c.streaming) {
        size_t head = c.in.find("\r\n\r\n");
        if (head == std::string::npos) return c.in.size() < 65536;
        std::string top = c.in.substr(0, head + 2);
        for (char &x : top) x = static_cast<char>(tolower(x));
        if (top.find("transfer-encoding:") != std::string::npos) return false;  // no client here sends chunks
        size_t at = top.find("\r\ncontent-length:");
        size_t length = at == std::string::npos ? 0 : strtoul(top.c_str() + at + 17, nullptr, 10);
        if (c.in.size() < head + 4 + length) return true;
        std::string line = top.substr(0, top.find('\r'));
        c.api = line.find("/messages") != std::string::npos ? MESSAGES : line.find("/responses") != std::string::npos ? RESPONSES : CHAT;
        std::string body = c.in.substr(head + 4, length);
        c.in.erase(0, head + 4 + length);
        if (!reply(fd, c, body)) return false;
    }
    return true;
}

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(argc > 1 ? atoi(argv[1]) : 0));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) || listen(listener, 512)) return perror("upstream"), 1;
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll_fd = epoll_create1(0);
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = listener;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
    epoll_event events[64];
    static char buffer[262144];
    for (;;) {
        int wait = timers.empty() ? -1 : static_cast<int>(std::max(0LL, (-timers.top().first - now_ns() + 999999) / 1000000));
        int count = epoll_wait(epoll_fd, events, 64, wait);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int got;
                while ((got = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    e.events = EPOLLIN;
                    e.data.fd = got;
                    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, got, &e);
                    conns[got].id = ++serial;
                }
                continue;
            }
            auto found = conns.find(fd);
            if (found == conns.end()) continue;
            Conn &c = found->second;
            bool good = true;
            if (events[i].events & EPOLLOUT) {
                want(fd, false);
                good = put(fd, c, "");
            }
            if (good && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
                ssize_t k = recv(fd, buffer, sizeof buffer, 0);
                if (k > 0) c.in.append(buffer, k);
                good = k > 0 || (k < 0 && errno == EAGAIN);
                if (good) good = serve(fd, c);
            }
            if (!good) close_conn(fd);
        }
        while (!timers.empty() && -timers.top().first <= now_ns()) {
            auto [fd, id] = timers.top().second;
            timers.pop();
            auto found = conns.find(fd);
            if (found == conns.end() || found->second.id != id || !found->second.streaming) continue;
            Conn &c = found->second;
            bool good = token(fd, c);
            if (good && !c.left) good = finish(fd, c) && serve(fd, c);
            else if (good) timers.push({-(c.due += 5000000), {fd, id}});
            if (!good) close_conn(fd);
        }
    }
}
