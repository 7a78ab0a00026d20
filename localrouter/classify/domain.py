"""What an answer is about, where a wrong one harms somebody, and how much: the domain and the risk (DESIGN section 5).

The domain is decided by the words that a text holds (`domain_words.py`), each counted once. The risk is the domain and what is asked: a
definition is low, somebody's own case is elevated, an act that cannot be taken back (a dose, a lawsuit, all the savings, whom to hire, an exploit)
is high. Rules; their scores are shown as shares. A recipe's gates decide what follows.
"""

from __future__ import annotations

import re

from localrouter.classify.domain_words import ENDINGS, PHRASES, SIGNS, WORDS
from localrouter.classify.known import known
from localrouter.classify.patterns import compiled, spaced
from localrouter.classify.scores import shares
from localrouter.core.words import DOMAINS, RISKS, Domain, Risk, Task

GENERAL = 0.9
NOTHING = -1.2
"""The score of a domain of which no word was met."""
SHARP = 1.4
_WORD = re.compile(r"[^\W_]+(?:[-'&][^\W_]+)*")
_LIMIT = 300
"""Words that are looked up."""


def _tables() -> tuple[dict[str, list[tuple[Domain, float]]], dict[str, list[tuple[Domain, float]]]]:
    whole: dict[str, list[tuple[Domain, float]]] = {}
    starts: dict[str, list[tuple[Domain, float]]] = {}
    for name, words in WORDS.items():
        for entry in dict.fromkeys(words.split()):
            weight = 2.0 if entry[-1] == "+" else 0.5 if entry[-1] == "-" else 1.1
            word = entry.rstrip("+-")
            table = starts if word.endswith("*") else whole
            table.setdefault(word.rstrip("*"), []).append((name, weight))
    return whole, starts


_WHOLE, _STARTS = _tables()
_BY_THREE: dict[str, list[str]] = {}
for _word in sorted(_STARTS, key=len, reverse=True):
    _BY_THREE.setdefault(_word[:3], []).append(_word)
_ENDS: list[tuple[tuple[str, ...], list[tuple[Domain, float]]]] = [(ends, [(name, 1.1)]) for name, ends in ENDINGS.items()]
_ALL_ENDS = tuple(end for ends in ENDINGS.values() for end in ends)
_PHRASES = {name: compiled(pattern) for name, pattern in PHRASES.items()}


def domain(text: str, given: str = "") -> tuple[Domain, dict[Domain, float]]:
    """(the domain, the share of each). `text`: the person's prose in lower case; `given`: the beginning of what it is about, which counts less
    and only where the person's own words are few."""
    length, scores = _counted(text)
    if given and length < 80:
        about = _counted(given)[1]
        scores = {name: score + 0.6 * about[name] for name, score in scores.items()}
    scores = {name: score or NOTHING for name, score in scores.items()}
    scores["general"] = GENERAL
    out = shares(scores, SHARP)
    return max(out, key=lambda d: out[d]), out


@known
def _counted(text: str) -> tuple[int, dict[Domain, float]]:
    """(how many words, what they say for each domain)."""
    scores: dict[Domain, float] = dict.fromkeys(DOMAINS, 0.0)
    words = _WORD.findall(text)
    length = len(words)
    if length > _LIMIT:
        words = words[: _LIMIT * 2 // 3] + words[-_LIMIT // 3 :]
    # A long text meets a word of everything by and by.
    worth = (45.0 / max(45, len(words))) ** 0.35
    seen: set[str] = set()
    for word in set(words):
        if word in _WHOLE:
            hits = _WHOLE[word]
        elif word[-1] == "s" and word[:-1] in _WHOLE:
            hits = _WHOLE[word[:-1]]
        elif word[:3] in _BY_THREE and (start := next((s for s in _BY_THREE[word[:3]] if word.startswith(s)), "")):
            word, hits = start, _STARTS[start]
        elif len(word) > 6 and word.endswith(_ALL_ENDS):
            hits = next(h for ends, h in _ENDS if word.endswith(ends))
        else:
            continue
        if word in seen:
            continue
        seen.add(word)
        for name, weight in hits:
            scores[name] += weight * worth
    joined = " " + " ".join(words)
    for name, pattern in _PHRASES.items():
        found = len(set(pattern.findall(joined)))
        if found:
            scores[name] += min(3, found) * 1.8 * worth
    if not text.isascii():
        for name, signs in SIGNS.items():
            scores[name] += sum(2.0 for sign in signs if sign in text) * worth
    return length, scores


# --- risk ------------------------------------------------------------------------------------------

_OWN = compiled(
    r"\b(?:my|me|i|i'm|i've|we|our|mine|myself|he|she|his|her|someone|a friend|this patient|the patient|year[- ]old|yo|mein\w*|ich|mi|mon|ma|je|mio|mia|meu|minha|мне|мой|у меня|我|私|나|내)\b|我|私|我们|제가|أنا|मुझे|मेर"
)
_DECIDES = compiled(
    r"\b(?:should|can|could|may|must|is it (?:safe|legal|ok|okay|allowed|wise)|what (?:should|can|do|would)|how (?:much|many|do|can|should|to|long|often)|do i|am i|advice|advise|recommend\w*|decide|decision|help|need|want|best|safe(?:ly)?|review|assess|analy[sz]e|draft|evaluate|plan|which"
    r"|soll(?:te)?|darf|kann|debo|puedo|dois|puis|devo|posso|можно|нужно|should i)\b|应该|可以|怎么|すべき|해야|هل|क्या"
)
_LEARNS = re.compile(
    r"^(?:please |can you |could you )?(?:what (?:is|are|was|were|does) (?:an? |the )?(?:[\w'-]+ ?){1,4}\??$|define |who (?:is|was) |when (?:did|was) |where (?:is|was) |history of |explain (?:the (?:concept|term|difference|history|basics)|what|how .{0,40} works?\b)|tell me about the history|write (?:a|an|me a) (?:poem|story|song|joke|essay|haiku)|difference between|translate)"
)

_HIGH: dict[Domain, re.Pattern[str]] = {
    "medical": compiled(
        r"\b(?:dos(?:e|es|age|ages|ing)|how (?:much|many) .{0,40}(?:mg|pills?|tablets?|take|give|ibuprofen|paracetamol|tylenol|acetaminophen|aspirin|insulin|medic\w+)|overdos\w+|\d+ ?m(?:g|cg|l)\b|interact(?:ion|ions|s)? (?:with|between)|mix(?:ing)? .{0,40}(?:alcohol|with)|together with|combine .{0,30}with|stop taking|chest pain|can't breathe|difficulty breathing|suicid\w+|kill myself|end my life|self[- ]harm\w*|hurt myself"
        r"|emergency|\ber\b|stroke|heart attack|seizure|unconscious|bleeding|diagnos(?:e|is) (?:me|my|this|him|her|the)|do i have|pregnan\w+|newborn|infant|baby|toddler|poison\w*|anaphyla\w*|contraindicat\w+|prescri(?:be|ption)|treatment plan|lump|tumou?r|biopsy|chemo\w*"
        r"|dosierung|dosis|posologie|dosaggio|dosagem|dosering|dawk\w+|дозировк\w+|суицид\w*|schwanger\w*|embaraz\w*|enceinte|selbstmord|suizid|suicid\w*)\b|剂量|用量|自杀|急诊|怀孕|용량|자살|投与|自殺|جرعة|खुराक"
    ),
    "legal": compiled(
        r"\b(?:sue|suing|sued|lawsuit|liab(?:le|ility)|indemn\w+|criminal charges?|arrested|plead|guilty|jail|prison|deport\w*|custody|evict\w*|breach(?:ed)? (?:of )?(?:contract|the contract|my)?|sign (?:this|the|an?)|enforceable|legal (?:advice|action|rights|liability|risk|analysis|opinion|strategy)|can (?:my|the) (?:landlord|employer|boss|police)|restraining order|will and testament|settlement|statute of limitations|represent myself|subpoena\w*|testif\w+|draft (?:a|an|the) (?:contract|will|complaint|motion|clause|agreement|nda|lease)|void|asylum|visa"
        r"|verklagen|klage|haft\w*|strafbar|demandar|poursuivre|denunciar|citare|processar|подать в суд|уголовн\w+)\b|起诉|诉讼|責任|责任|訴え|소송|고소"
    ),
    "financial": compiled(
        r"\b(?:should i (?:invest|buy|sell|put|take|borrow|refinance|withdraw|cash|pay|trade|move)|(?:invest|put|bet|spend) (?:all )?(?:my|our)|(?:all|entire|life) (?:my |of my )?savings|retirement|401\(?k\)?|pension|tax (?:evasion|avoidance|return|liability)|avoid (?:paying )?tax\w*|bankrupt\w*|foreclos\w*|default on|leverage\w*|margin (?:call|trading)|options? trading|day trad\w+|crypto\w*|wire (?:the|\$|money|transfer)|transfer (?:\$|all|the funds)|loan|mortgage|insider|guarante\w+ returns?|which stocks?|buy (?:stocks?|shares|bitcoin)|short sell\w*|payday|hide (?:assets|income|money)|launder\w*|fraud\w*|approve .{0,30}(?:loan|credit)|deny .{0,30}(?:loan|credit)|creditworth\w*"
        r"|investieren|anlegen|altersvorsorge|invertir|hipoteca|investir|retraite|investire|mutuo|инвестировать|ипотек\w+)\b|投资|贷款|退休|全部积蓄|投資|투자|대출"
    ),
    "employment": compiled(
        r"\b(?:(?:should|can|could|may|do) (?:i|we|they|my|the|an?) .{0,40}(?:hire|fire|reject|terminate|promote|dismiss|lay off|demote)|who(?:m)? (?:should|to) .{0,20}(?:hire|fire|promote|interview|lay)|(?:rank|score|screen|shortlist|rate|evaluate|compare|reject|select|choose|assess|filter) .{0,60}(?:candidates?|applicants?|resumes?|cvs?|employees?|applications?)|hir(?:e|ing) decision|wrongful\w*|harass\w*|discriminat\w*|terminat\w+|fir(?:e|ed|ing) (?:an?|the|my|him|her|me|for|someone|employee)|lay(?:ing)?[- ]?offs?|laid off|severance|performance improvement plan|disciplin\w+|whistleblow\w*|retaliat\w*|pregnan\w*|background check|unlawful|dismiss\w*|resign\w*"
        r"|kündig\w*|entlassen|einstellen|abmahnung|despedir|despido|contratar|licencier|licenciement|embaucher|licenziare|licenziamento|demitir|уволить|увольнен\w+)\b|解雇|辞退|录用|裁员|候选人|採用|해고|채용"
    ),
    "security": compiled(
        r"\b(?:exploits?|payloads?|malware|ransomware|keylogger|rootkit|backdoor|reverse shell|shellcode|bypass\w* .{0,40}(?:auth\w*|login|firewall|antivirus|edr|2fa|mfa|waf|security|detection|paywall|drm)|crack\w* .{0,30}(?:password|hash|wifi|wi-fi|account|license|zip)|hack\w* (?:into|someone|a|an|the|my|his|her|facebook|instagram|wifi)|phish\w*|ddos|botnet|steal\w*|exfiltrat\w*|privilege escalation|escalate privileges|sql ?map|metasploit|dump .{0,30}(?:hashes|credentials|passwords|database)|undetect\w*|evade|evasion|obfuscat\w* .{0,30}(?:payload|malware|code)|brute[- ]force|spoof\w*|inject\w* .{0,30}(?:code|dll|process|sql)|zero[- ]day|weaponi[sz]\w*|lateral movement|rce|(?:been|was|were|got) (?:hacked|breached|compromised)|leaked|incident"
        r"|hacken|schadsoftware|hackear|pirater|взломать|хакнуть|эксплойт\w*)\b|漏洞利用|黑客|攻击|破解|ハッキング|해킹|공격"
    ),
}
_GRAVE = compiled(
    r"\b(?:suicid\w*|kill (?:myself|himself|herself|someone|him|her|people)|end my life|self[- ]harm\w*|bombs?|explosives?|nerve agent|meth(?:amphetamine)? (?:lab|synthesis|recipe)|ricin|weapons? of mass|child (?:abuse|porn\w*)|csam|poison (?:someone|him|her|a person)|build a gun|selbstmord)\b|自杀|自殺|자살|爆弹|炸弹"
)


def risk(text: str, name: Domain, share: float, kind: Task) -> tuple[Risk, dict[Risk, float]]:
    """(the risk, the share of each). `text`: the person's prose in lower case, its beginning and its end. `share`: of the domain `name`."""
    start, text = text, spaced(text)
    scores: dict[Risk, float] = {"low": 1.2, "elevated": 0.0, "high": 0.0}
    if _GRAVE.search(text):
        scores["high"] += 3.0
    if name != "general":
        learns = _LEARNS.search(start) is not None
        acts = _HIGH[name].search(text) is not None
        own, decides = _OWN.search(text) is not None, _DECIDES.search(text) is not None
        scores["elevated"] += 1.5 + 0.6 * decides + (0.3 if own else 0.0)
        if acts and not learns:
            scores["high"] += 1.6 + 0.9 * decides + 0.6 * own
        elif acts:
            scores["elevated"] += 0.4
        if learns and not own:
            scores["low"] += 1.8
        if kind in ("translate", "summarise", "extract", "classify") and not acts:
            scores["low"] += 0.7  # the words are there already; nobody is told what to do
        if kind in ("code", "code_edit", "autocomplete", "math") and name != "security":
            scores["low"] += 1.2  # a program about invoices
            scores["high"] -= 1.0
        scores["elevated"] *= min(1.0, 0.5 + share)
    out = shares(scores, 1.6)
    return max(RISKS, key=lambda r: (out[r], RISKS.index(r))), out
