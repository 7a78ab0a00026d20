"""Names in capitals that are a system's, and countries: what an encoder takes for somebody, and closed lists know.

Sources: POSIX.1-2017, <errno.h> and <signal.h>; errno(3) and signal(7) of the Linux manual; Node.js, "Common system errors" (ENOTFOUND);
ISO 3166-1, English short names, without those that are forenames as well (Chad, Georgia, India, Israel, Jordan, Kenya).
"""

from __future__ import annotations

import re

from localrouter.scrub.common_words import words

ERRORS = words(
    """
    E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EADV EAFNOSUPPORT EAGAIN EALREADY EBADE EBADF EBADFD EBADMSG EBADR EBADRQC EBADSLT EBFONT EBUSY ECANCELED ECHILD ECHRNG ECOMM
    ECONNABORTED ECONNREFUSED ECONNRESET EDEADLK EDEADLOCK EDESTADDRREQ EDOM EDOTDOT EDQUOT EEXIST EFAULT EFBIG EHOSTDOWN EHOSTUNREACH EHWPOISON EIDRM EILSEQ EINPROGRESS
    EINTR EINVAL EIO EISCONN EISDIR EISNAM EKEYEXPIRED EKEYREJECTED EKEYREVOKED EL2HLT EL2NSYNC EL3HLT EL3RST ELIBACC ELIBBAD ELIBEXEC ELIBMAX ELIBSCN ELNRNG ELOOP EMEDIUMTYPE EMFILE EMLINK EMSGSIZE
    EMULTIHOP ENAMETOOLONG ENAVAIL ENETDOWN ENETRESET ENETUNREACH ENFILE ENOANO ENOATTR ENOBUFS ENOCSI ENODATA ENODEV ENOENT ENOEXEC ENOKEY ENOLCK ENOLINK ENOMEDIUM ENOMEM
    ENOMSG ENONET ENOPKG ENOPROTOOPT ENOSPC ENOSR ENOSTR ENOSYS ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY ENOTFOUND ENOTNAM ENOTRECOVERABLE ENOTSOCK ENOTSUP ENOTTY ENOTUNIQ ENXIO
    EOPNOTSUPP EOVERFLOW EOWNERDEAD EPERM EPFNOSUPPORT EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE EREMCHG EREMOTE EREMOTEIO ERESTART ERFKILL EROFS ESHUTDOWN
    ESOCKTNOSUPPORT ESPIPE ESRCH ESRMNT ESTALE ESTRPIPE ETIME ETIMEDOUT ETOOMANYREFS ETXTBSY EUCLEAN EUNATCH EUSERS EWOULDBLOCK EXDEV EXFULL
    """
)
SIGNALS = words(
    """
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGEMT SIGFPE SIGHUP SIGILL SIGINFO SIGINT SIGIO SIGIOT SIGKILL SIGLOST SIGPIPE SIGPOLL SIGPROF SIGPWR SIGQUIT SIGRTMAX
    SIGRTMIN SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGUNUSED SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ
    """
)
COUNTRIES = words(
    """
    afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain bangladesh barbados belarus belgium belize benin bhutan bolivia
    botswana brazil brunei bulgaria burundi cambodia cameroon canada chile china colombia comoros congo croatia cyprus czechia denmark djibouti ecuador egypt eritrea estonia
    eswatini ethiopia fiji finland france gabon gambia germany ghana greece grenada guatemala guinea guyana haiti honduras hungary iceland indonesia iran iraq ireland italy
    jamaica japan kazakhstan kiribati kosovo kuwait kyrgyzstan laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg madagascar malawi malaysia maldives
    malta mauritania mauritius mexico moldova monaco mongolia montenegro morocco mozambique myanmar namibia nauru nepal netherlands new_zealand nicaragua niger nigeria
    north_korea north_macedonia norway oman pakistan palau palestine panama paraguay peru philippines poland portugal qatar romania russia rwanda samoa saudi_arabia senegal
    serbia seychelles sierra_leone singapore slovakia slovenia somalia south_africa south_korea south_sudan spain sri_lanka sudan suriname sweden switzerland syria taiwan
    tajikistan tanzania thailand togo tonga tunisia turkey turkmenistan tuvalu uganda ukraine united_arab_emirates united_kingdom united_states uruguay uzbekistan vanuatu
    venezuela vietnam yemen zambia zimbabwe
    """
)
"""One word each, `_` for a blank."""
_BETWEEN = re.compile(r"[\s,;/|]+|\b(?:or|and)\b")


def system_names(value: str) -> bool:
    """Whether a span is nothing but names of errors and signals, as a program writes them: in capitals."""
    parts = [part for part in _BETWEEN.split(value) if part]
    return bool(parts) and all(part in ERRORS or part in SIGNALS for part in parts)


def country(value: str) -> bool:
    """Whether a span is the name of a country that is no forename."""
    return value.casefold().replace(" ", "_") in COUNTRIES
