"""The rules of `task.py`: how people say what they want, in English and, for the common wishes, in the languages that most people write.

A `verb` counts in full where it is an order or a request ("translate ...", "could you translate ...") and a third where it is only mentioned.
Sources of the kinds: DESIGN section 5; the taxonomy of NVIDIA's prompt-task-and-complexity-classifier; the intents of public instruction sets.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from localrouter.classify.patterns import compiled
from localrouter.core.words import Task


class Rule(NamedTuple):
    """`verb`: whether it matters that the words are an order. `foreign`: it is in other languages than English."""

    task: Task
    pattern: re.Pattern[str]
    weight: float
    verb: bool = False
    foreign: bool = False


ASKED = re.compile(
    r"(?:^|[.!?:;\n>*\-\])\"'] ?|\d\. ?|\b(?:please|pls|kindly|can you|could you|would you|will you|can u|help me|help me to|i need|i need to|i need you to|i want to|i want you to|i want|i'd like to"
    r"|i'd like you to|i'd like|i would like to|i would like you to|let's|your (?:task|job) is to|task|now|then|just|also|first|how (?:do|can|would|to) (?:i|you|we)|how to|to|you (?:will|must|should|are to|have to)"
    r"|give me|make|provide|write|create|do|bitte|kannst du|können sie|por favor|puedes|podrías|pouvez-vous|peux-tu|per favore|puoi|você pode|пожалуйста) )(?:a |an |the |me |us |quickly |briefly |carefully |accurately |concisely )*$"
)
"""What stands in front of an order."""

_LANGUAGES = (
    r"(?:english|german|french|spanish|italian|portuguese|dutch|russian|chinese|mandarin|japanese|korean|arabic|hindi|turkish|polish|swedish|danish|norwegian|finnish|czech|greek|hebrew|vietnamese"
    r"|thai|indonesian|ukrainian|romanian|hungarian|persian|farsi|urdu|bengali|latin|catalan|croatian|serbian|bulgarian|swahili|tamil|tagalog|malay|klingon|esperanto)"
)
_CODE_THINGS = (
    r"(?:function|script|program|class|method|code|codes|snippet|query|queries|sql|regex|regexp|regular expression|api|endpoint|component|web ?app|webpage|web page|website|algorithm|html|css|parser|cli|command[- ]line"
    r"|unit tests?|tests?|dockerfile|docker|makefile|yaml|bash|shell|one-liner|macro|stored procedure|schema|migration|module|library|package|decorator|hook|middleware|server|client|bot|scraper|crawler|cron|workflow|config"
    r"|python|javascript|typescript|java|c\+\+|c#|golang|rust|ruby|php|swift|kotlin|perl|haskell|scala|matlab|react|vue|angular|node|django|flask|fastapi|spring|pandas|numpy|terraform|kubernetes|ansible|graphql|powershell)"
)
_PROGRAMMING = (
    r"\b(?:python|javascript|typescript|java|c\+\+|c#|golang|rust|ruby|php|kotlin|haskell|scala|matlab|react|vue\.?js|angular|node\.?js|django|flask|fastapi|pandas|numpy|pytorch|tensorflow|terraform|kubernetes|k8s|docker|ansible"
    r"|graphql|powershell|bash|sql|postgres(?:ql)?|mysql|mongodb|redis|git|npm|pip|webpack|regex|css|html|yaml|linux|nginx|kafka|spark|asyncio|jupyter|vs ?code|github|api|sdk|compiler|linked list|binary tree|hash ?map|recursion|big-?o)(?!\w)"
)
_TEXTS = r"(?:text|passage|paragraph|article|document|email|e-mail|message|review|tweet|sentence|conversation|transcript|report|notes?|data|table|resume|invoice|log|contract|story|comment|post|abstract|description|news|html|list)"


def _verb(task: Task, pattern: str, weight: float) -> Rule:
    return _mark(task, pattern, weight)._replace(verb=True)


def _mark(task: Task, pattern: str, weight: float) -> Rule:
    foreign = any(c.isalpha() and not c.isascii() for c in pattern)
    return Rule(task, compiled(pattern), weight, foreign=foreign)


INSTRUCTIONS: tuple[Rule, ...] = (
    # --- translate -------------------------------------------------------------------------------
    _verb("translate", r"\b(?:translat(?:e|ion|ing)|localize)\b", 3.6),
    _mark("translate", rf"\b(?:in)?to {_LANGUAGES}\b|\bfrom {_LANGUAGES} to\b|\b{_LANGUAGES} translation\b", 1.8),
    _mark("translate", rf"\bhow (?:do|does|would|can|could|might|should|to) (?:you |i |we |they |one |someone |people )?say\b.{{0,60}}\bin \w+|\bhow (?:do|would|can|could|might|should) (?:you|i|we|they) say\b(?! (?:your|no to|that)\b)|\bin {_LANGUAGES}\??$|\b{_LANGUAGES} (?:words?|phrase|term|expression|equivalent|for)\b|\bwhat(?:'s| is| does)\b.{{0,60}}\b(?:in|mean in) {_LANGUAGES}\b", 2.6),
    _mark("translate", r"\b(?:übersetz\w*|traduc\w{1,6}|tradui\w{1,5}|traduz\w{0,4}|tradur\w{1,3}|vertaal|vertalen|przetłumacz|översätt|oversæt|oversett|käännä|přelož|prelož|fordíts\w*|tradu|çevir\w{0,3}|terjemahkan|переведи\w{0,2}|переклади|μετάφρασε)\b|翻译|翻譯|翻訳|번역|ترجم|अनुवाद|แปล|dịch sang|תרגם", 3.8),
    # --- summarise -------------------------------------------------------------------------------
    _verb("summarise", r"\b(?:summari[sz](?:e|ing|es)|summary|sum up|condense|recap|synopsis|digest|boil down)\b", 3.6),
    _verb("summarise", r"\btl;?dr\b", 3.2),
    _mark("summarise", r"\b(?:key|main|most important) (?:points?|takeaways?|ideas?|findings|arguments|highlights)\b|\bthe gist\b|\bin (?:one|two|three|a few|\d) (?:short )?(?:sentences?|bullet points?|lines?|paragraphs?)\b|\baction items\b|\bin a nutshell\b|\bmeeting (?:notes|minutes)\b", 1.7),
    _mark("summarise", rf"\b(?:shorten|shorter version of|brief overview of|give an overview of) (?:this|the following|the|my) {_TEXTS}", 2.0),
    _mark("summarise", r"\b(?:fass\w{0,2} .{0,60}zusammen|zusammenfass\w*|resum[eai]\w{0,3}|résum\w{1,4}|riassum\w{1,5}|riassunto|sintetizza|resumir|resumo|resumen|samenvat\w*|vat .{0,40}samen|podsumuj|streść|sammanfatta|sammenfat|opsummer|oppsummer|tiivistä|shrň|zhrň|összefoglal\w*|rezumă|özetle\w{0,3}|ringkas\w{0,3}|tóm tắt|резюмируй|кратко излож\w*|обобщи|підсумуй)\b|总结|總結|概括|摘要|要約|まとめ|요약|لخص|تلخيص|सारांश|สรุป|סכם", 3.6),
    _mark("translate", rf"\b(?:render|put|express|say) (?:\S+ ){{0,6}}?(?:in|into) (?:formal |informal |simple |plain )?{_LANGUAGES}\b", 2.6),
    _mark("translate", r"\b(?:wie sagt man|wie heißt .{1,40} auf|comment (?:dit-on|dire)|cómo se dice|como se diz|come si dice|hoe zeg je|как (?:сказать|будет))\b|怎么说|どう言|어떻게 말", 2.8),
    # --- extract -------------------------------------------------------------------------------
    _verb("extract", r"\b(?:extract(?:ion|ing|s)?|pull out|parse out|pick out|scrape)\b", 3.5),
    _verb("extract", r"\b(?:list|find|identify|get|return|collect|locate|highlight|give me|output|retrieve|spot) (?:all |every |each |any |only |out |just )*(?:of )?(?:the )?(?:\w+,? ){0,6}?(?:names?|dates?|entities|e-?mails?|email addresses|phone numbers?|addresses|amounts?|numbers|people|persons?|organi[sz]ations?|locations?|places|companies|urls?|links|keywords?|key phrases|prices?|products?|skills|deadlines|ingredients|verbs|nouns|adjectives|mentions?|quotes|facts|fields|values|symptoms|medications)\b.{0,60}\b(?:from|in|mentioned|that (?:appear|are)|of|contained|within|below|as json)\b", 3.0),
    _mark("extract", r"\bnamed entit(?:y|ies)\b|\bner\b|\bkey[- ]value pairs\b|\b(?:fill|populate) (?:in |out )?(?:the |this )?(?:form|fields|schema|template)\b|\bas (?:a )?(?:json|csv|table) (?:with|object|using) (?:the )?(?:fields|keys|columns)\b|\bstructured (?:data|output|json)\b", 2.0),
    _mark("extract", rf"\bwhat (?:\w+ ){{1,4}}(?:is|are|was|were) (?:mentioned|listed|named|described|stated) in\b|\bwhich (?:\w+ ){{1,4}}(?:are|were|is) mentioned\b|\bfrom (?:this|the following|the) {_TEXTS}\b", 1.6),
    _mark("extract", r"\b(?:extrahier\w*|extrae\w{0,3}|extraer|extrai[st]?\w{0,3}|extrair|extraia|estrai\w{0,3}|estrarre|extraheer|wyodrębnij|wyciągnij|wypisz wszystkie|extrahera|uddrag|hent ut|extrahuj|vypiš všechn|kinyer\w*|extrage|çıkar\w{0,2}|ekstrak|trích xuất|извлеки\w{0,2}|выпиши|витягни)\b|提取|抽取|抽出|추출|استخرج|निकाल|ดึงข้อมูล|חלץ", 3.4),
    _mark("extract", r"\bfrom (?:the|this|these|each) (?:\w+ ){1,3}(?:below|above)\b|\b(?:give|get|return|tell) me the (?:[\w ]{2,40}, ){1,5}(?:and )?.{2,60}\bas (?:json|csv|a table|a list)\b", 2.3),
    # --- classify ------------------------------------------------------------------------------
    _verb("classify", r"\b(?:classif(?:y|ying|ication)|categori[sz]e|categori[sz]ation|label(?! printer)|tag|triage)\b", 3.4),
    _mark("classify", r"\bsentiment(?: analysis)?\b|\b(?:positive|negative)(?:,| or |/| and )\s?(?:negative|positive|neutral)\b|\bspam or (?:not|ham)\b|\b(?:is|are) (?:this|the following|these|it) (?:\w+ ){0,3}(?:spam|positive|negative|toxic|sarcastic|offensive|urgent|a complaint|hate speech|fake)\b", 2.9),
    _verb("classify", r"\b(?:determine|decide|detect|identify|predict|judge|tell|tell me|find out|figure out|check|say|state|verify|recogni[sz]e|indicate|assess) (?:the (?:\w+ )?(?:sentiment|intent|emotion|topic|language|category|tone|genre|type|stance|pos tag|part of speech|bias|gender|class)|whether|if (?:the|this|a|it|these|there|they|each|two|any)\b)", 2.6),
    _mark("classify", r"\b(?:which|what) (?:of the following )?(?:categor(?:y|ies)|class|label|intent|topic|genre|department|emotion|sentiment|tone)\b|\b(?:assign|choose|select|pick) (?:a |one |the )?(?:of )?(?:the )?(?:following )?(?:\w+ )?(?:label|category|class|tag|topic|genre|option|answer|type)s?\b|\bmultiple[- ]choice\b|\b(?:answer|respond|reply) (?:with|only) (?:only |just )?(?:the letter|a, b|\(?a\)?[,/ ])", 2.5),
    _mark("classify", r"\b(?:answer|respond|reply|return|output)(?: with)?(?: only| just)? (?:either )?['\"]?(?:yes|true)['\"]?(?: or |/)['\"]?(?:no|false)\b|\b(?:categories|labels|classes|options)(?: are)?: ?\[?\w+", 1.5),
    _mark("classify", r"\b(?:klassifizier\w*|kategorisier\w*|ordne .{0,60} (?:kategorie|zu)|clasific\w*|categoriza|classifie[rz]?|catégorise[rz]?|classific\w*|categorizza|classificar|classifique|classificeer|sklasyfikuj|skategoryzuj|klassificera|klassificer|luokittele|klasifikuj|osztályoz\w*|clasifică|sınıflandır\w{0,2}|klasifikasi\w{0,3}|phân loại|классифицируй\w{0,2}|определи (?:тональность|категорию)|класифікуй)\b|分类|分類|归类|分类器|情感分析|분류|صنف|वर्गीकृत|วิเคราะห์ความรู้สึก|סווג", 3.4),
    _verb("classify", r"\b(?:rate|grade|score) (?:the \w+ of )?(?:this|these|each|the following)\b", 2.5),
    # --- math ----------------------------------------------------------------------------------
    _verb("math", r"\b(?:(?:solve|calculate|compute|prove|derive|simplify|factori[sz]e) (?:that |the |this |for |all |x|f\(|\\|\$|\d|an? |each |both |integral|equation|system|expression|derivative)|(?:evaluate|factor|integrate|differentiate|approximate|minimi[sz]e|maximi[sz]e) (?:(?:the |this |an? )?(?:integral|expression|function|limit|sum|polynomial|equation|derivative|series)|x|f\(|\\|\$|\d|\())", 2.6),
    _mark("math", r"\b(?:integral|derivative|equation|polynomial|eigenvalues?|determinant|logarithm|square root|prime (?:number|factor)s?|modulo|remainder|hypotenuse|perimeter|circumference|quadratic|theorem|lemma|probability|permutations?|combinatori\w+|geometric (?:series|sequence)|arithmetic (?:series|sequence|progression)|vector space|matrix|matrices|bijection|isomorphi\w+|congruen\w+|standard deviation|variance|least common multiple|greatest common divisor|complex numbers?|trigonometr\w+|percentage of|differential equations?)\b", 1.9),
    _mark("math", r"\\(?:frac|sum|int|sqrt|begin\{|cdot|mathbb|leq|geq|left|alpha|theta|pi)\b|\$[^$\n]{1,80}[\\^=+_][^$\n]{0,80}\$", 2.4),
    _mark("math", r"\d\)*\s?(?:[+*×÷^]|(?<=\s)/(?=\s)|(?<!(?:19|20)\d\d\s)(?<=\s)-(?=\s)|mod)\s?\(*-?\d|\b[xyzn]\s?(?:\^\s?\d|²|³|[+=]\s?\d)|\d\s?[xyz]\b\s?[+=-]|\bf\(x\)", 2.2),
    _mark("math", r"\b(?:berechne|löse die gleichung|beweise|wie viele?|calcula|resuelve la|demuestra|calcule[zr]?|résous|résoudre|démontre|calcola|risolvi|dimostra|resolva|bereken|oblicz|rozwiąż|udowodnij|beräkna|beregn|laske|vypočítej|számítsd|calculează|hesapla|hitung(?:lah)?|tính|вычисли|реши|докажи|сколько|обчисли)\b|计算|計算|求解|証明|证明|多少|계산|구하|احسب|हल कर|गणना", 1.8),
    # --- code ----------------------------------------------------------------------------------
    _verb("code", rf"\b(?:write|create|implement|build|generate|develop|code|make (?:me )?an?|produce|design|give me|show me|provide|need|want|draft)\b(?: \S+){{0,9}}? {_CODE_THINGS}\b", 2.9),
    _mark("code", _PROGRAMMING, 1.5),
    _mark("code", r"\b(?:traceback|stack ?trace|segfault|segmentation fault|null ?pointer|\w+(?:error|exception)|mutex|semaphore|syntax error|compil(?:e|er|ation) error|undefined is not|exit code \d|core dumped|merge conflict|memory leak|race condition|deadlock|off-by-one|time complexity|space complexity|unit test|pull request|code review|source code|my code|this code|the code|function|variable|for loop|data structure|design pattern|programming|coding|debug\w*)\b", 1.5),
    _mark("code", r"\b(?:schreibe?|erstelle|escribe|crea|écri[st]|écrivez|crée|scrivi|crea|escreva|crie|schrijf|napisz|skriv|napiš|írj|scrie|yaz|buat(?:lah)?|viết|напиши|створи)\b.{0,60}\b(?:funktion|funci[óo]n|fonction|funzione|função|functie|funkcj\w|funktio\w*|függvény\w*|fonksiyon\w*|fungsi|hàm|функци\w|скрипт|script|skript|programm?a?|programa|programme|código|code|codice|kod|код|klass?e|clase|abfrage|consulta|requête|query)\b|(?:写|編寫|编写|实现|書|作成|작성).{0,30}(?:函数|関数|함수|代码|程序|コード|プログラム|코드|脚本|スクリプト)|(?:函数|関数|함수|代码|コード|코드).{0,20}(?:写|書|作|작성|실现|实现)|اكتب (?:دالة|برنامج|كود)", 3.0),
    # --- code_edit -----------------------------------------------------------------------------
    _mark("code_edit", r"<<<<<<< search|^diff --git|^@@ .{1,40} @@|\n\+\+\+ |apply_patch|\*\*\* begin patch", 4.0),
    _verb("code_edit", r"\b(?:refactor|debug|lint|type-annotate|deduplicate)\b", 3.2),
    _verb("code_edit", r"\b(?:fix|repair|rename|modify|change|update|edit|rewrite|optimi[sz]e|improve|clean up|simplify|convert|port|migrate|replace|remove|delete|add|extend|adjust|correct|speed up|vectori[sz]e|move|split|extract|inline|make)\b(?: \S+){0,6}? (?:(?:this|the|my|our|that|following|above|a|an|to|in|into|of|all|these|every|for) )+(?:\S+ ){0,4}?(?:functions?|class(?:es)?|methods?|code|bugs?|tests?|scripts?|modules?|components?|imports?|variables?|query|file|files|endpoint|loop|snippet|program|codebase|repo|repository|handler|docstrings?|type hints|error handling|logging|comments?|parameter|argument|config|async)\b", 2.6),
    _mark("code_edit", r"\b(?:in|to|from|of|at) `?(?:[\w.-]+/)*[\w-]+\.(?:py|js|ts|tsx|jsx|java|go|rs|rb|php|c|cc|cpp|h|hpp|cs|kt|swift|scala|sql|sh|yml|yaml|toml|css|html|vue|svelte)\b", 1.6),
    _mark("code_edit", r"\b(?:refaktorier\w*|behebe|korrigiere|refactoriza|corrige|arregla|corrig\w{1,3}|modifie|corregg\w{1,3}|corrija|popraw|zrefaktoryzuj|åtgärda|refaktoruj|oprav|düzelt|perbaiki|sửa|исправь|отрефактори|виправ)\b.{0,60}\b(?:code|código|codice|kod|код|funktion|función|fonction|funzione|função|функци\w|bug|fehler|error|fejl)\b|(?:修复|修改|重构|修正|リファクタ|수정|리팩).{0,20}(?:代码|函数|バグ|コード|코드|버그|bug)|(?:代码|コード|코드|函数).{0,20}(?:修复|修改|重构|修正|リファクタ|수정|리팩)", 3.2),
    # --- a question about given text ------------------------------------------------------------
    _mark("rag_qa", rf"\b(?:based|relying|drawing) (?:only |solely |strictly |exclusively )?(?:on|upon) (?:only )?(?:the |this |these |my |our )?(?:following |above |below |provided |given |attached |retrieved |supplied |uploaded )?(?:\w+ )?(?:context|passages?|documents?|information|sources?|excerpts?|search results|knowledge base|docs|{_TEXTS[3:-1]})\b", 2.8),
    _mark("rag_qa", r"\b(?:using|use|from|with|given|in|per) (?:only )?(?:the |this |these )?(?:following |above |below |provided |given |attached |retrieved |supplied )(?:pieces of )?(?:\w+ )?(?:context|passages?|documents?|information|sources?|excerpts?|search results|docs|snippets|article|paragraph|text)\b.{0,60}\b(?:answer|question|respond|reply|what|who|when|where|why|how)\b|\banswer (?:the |my |this |each |following |user's |these )*(?:questions?|query) (?:below )?(?:using|based|from|with|given|by|according)\b", 2.8),
    _mark("rag_qa", r"\baccording to (?:the |this |these |our |my )?(?:\w+ ){0,3}(?:context|passages?|documents?|article|text|excerpts?|sources?|report|manual|policy|handbook|transcript|paragraph|contract|docs?|email|paper)\b|\b(?:what|who|when|where|which|why|how)\b.{0,90}\b(?:in|from) (?:the|this|these) (?:above |attached |provided |following )(?:\w+ )?(?:document|passage|context|text|article|report|file|pdf)s?\b", 2.4),
    _mark("rag_qa", r"\b(?:if|when) (?:the )?(?:answer|information|it) (?:is|cannot be|can't be|isn't|is not)(?: found| contained| present| available| mentioned| in)\b.{0,60}\b(?:context|document|passage|text|say|respond|reply)|\bcite (?:your |the |all )?sources?\b|\bcitations?\b.{0,30}\[\d", 2.0),
    _mark("rag_qa", r"\bhere (?:is|are|'s) (?:the|our|my|an?|some) (?:\w+ ){0,4}?(?:policy|policies|documents?|article|text|faq|manual|handbook|terms|transcript|guide|notes|information|context|report|page)\s?:.{20,}\?", 2.8),
    # --- an agent at work ----------------------------------------------------------------------
    _mark("agent_step", r"\b(?:you have access to|available|use|using|call|with) (?:the |these |your |any |a )?(?:following |available |\w+ )?(?:tools?|functions?|apis?)\b(?: to| and|:|\.|,|$)|\bfunction[- ]call(?:ing|s)?\b|\btool (?:calls?|use)\b", 2.4),
    _mark("agent_step", r"(?:^|\n| )(?:observation|action input|action|tool[_ ](?:result|output|call|response))\s?:|\bthought:.{0,300}\baction:", 2.8),
    _verb("agent_step", r"\b(?:search (?:the )?(?:web|internet|online|google|codebase|repo)|browse|look up .{1,40} online|google|run (?:the |all |my )?(?:\w+ )?(?:tests?|build|script|command|linter|pipeline|benchmarks?)|execute (?:the |this )?(?:command|script)|open (?:a|the) (?:pr|pull request|browser|terminal|file|issue|ticket)|commit (?:and|the|my|all)|push (?:to|the)|deploy (?:the|this|to|it)|book (?:me )?(?:a|the|two)|schedule (?:a|the|an)|reserve (?:a|the)|send (?:an?|the) (?:e-?mail|message|invite|slack)|navigate to|click (?:on )?(?:the)?|download (?:the|all)|install (?:the|all)|set (?:a|an) (?:reminder|alarm|timer)|create (?:a|an) (?:ticket|calendar event|issue|branch)|check (?:my|the) (?:calendar|inbox|logs|status|ci))\b", 2.2),
    _mark("agent_step", r"\b(?:and then|then|afterwards|once (?:that is )?done)\b.{0,60}\b(?:commit|run|deploy|e-?mail|notify|open|push|report back|update (?:the )?(?:ticket|issue|pr))\b|\b(?:until|make sure|keep going until) (?:all )?(?:the )?tests? pass\b|\bautonomous(?:ly)?\b", 1.7),
    _verb("agent_step", r"\b(?:open|check|look in|go through) (?:my|the) (?:calendar|inbox|e-?mails?|browser|drive|terminal|downloads|repo)\b|\binvite \w+ to\b|\bfind a (?:free )?(?:slot|time)\b", 2.2),
    # --- a completion -------------------------------------------------------------------------
    _mark("autocomplete", r"\b(?:complete|continue|finish|fill in) (?:this|the|my)(?: following| rest of the| rest of this| missing| current)? (?:code|line|function|snippet|method|statement|expression|implementation)\b|\bfill[- ]in[- ]the[- ]middle\b|\b(?:at|where) the cursor\b|\bcode completion\b|<cursor>|\{\{fill_here\}\}|<fill>|█", 2.8),
    # One word of a trade in a question makes no work of that trade ("what is a process?").
    # --- talk ---------------------------------------------------------------------------------
    _mark("chat", r"^ (?:hi|hello|hey|thanks|thank you|good (?:morning|evening|afternoon)|yo|sup|ok|okay|cool|great|hallo|hola|bonjour|ciao|olá|привет|你好|こんにちは|안녕)\b.{0,30}$", 3.0),
    _mark("chat", r"\b(?:what do you think|tell me (?:a joke|about|a story)|recommend|suggest|give me (?:some )?(?:ideas|advice|tips)|brainstorm|who (?:is|was|are|were)|when (?:did|was|is)|where (?:is|are|was)|why (?:is|are|do|does|did)|explain|describe|compare|write (?:a|an|me a|me an) (?:\w+ ){0,3}(?:poem|story|essay|letter|email|blog|song|speech|haiku|tweet|post|cover letter|limerick|article|toast|bio|headline|slogan|caption)|plan|how do i|how does|should i)\b", 1.0),
    _mark("chat", r"^ (?:what(?:'s| is| are| was| were)) (?!the (?:time complexity|output|error|bug|result|value|command|syntax)|wrong)", 1.65),
)  # fmt: skip
