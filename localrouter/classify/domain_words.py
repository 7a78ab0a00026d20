"""Words of the domains in which a wrong answer harms somebody. `word*` is a beginning; `word+` is a word that alone decides; `word-` is one that other
matters use too. English in breadth, and the words that people use first in ten more languages. Written by hand."""

from __future__ import annotations

from localrouter.core.words import Domain

WORDS: dict[Domain, str] = {
    "medical": """
        symptom*+ diagnos*+ patient*+ physician*+ doctor nurse* hospital* clinic* clinical* medicine* medical*+ medication*+ drug- drugs dose+ doses+ dosage*+ dosing+
        milligram* tablet*- pill pills prescri*+ pharma*+ antibiotic*+ ibuprofen+ paracetamol+ acetaminophen+ tylenol+ aspirin+ amoxicillin+ metformin+ warfarin+ lisinopril+ statin*
        prozac+ sertraline+ adderall+ xanax+ opioid*+ morphine+ insulin+ diabet*+ cancer*+ tumor*+ tumour*+ oncolog*+ cardi*+ heart- blood vaccin*+ immuniz* virus- viral- infect*
        bacteria* disease*+ illness*+ therapy therapist* treatment- treat- surgery+ surgical+ surgeon*+ allerg*+ anaphyla*+ asthma+ pregnan*+ fetus+ trimester+ fever+ headache*+ migraine*+ nausea+
        vomit*+ rash+ pain- aching chest- depress*- anxiety- suicid*+ self-harm+ psychiatr*+ psycholog*- overdos*+ kidney*+ liver+ lung*+ stroke- hypertens*+ cholesterol+ mri+ x-ray+ biopsy+
        lesion*+ syndrome*+ chronic- acute- patholog*+ neurolog*+ dement*+ alzheimer*+ arthrit*+ covid*+ influenza+ flu+ cough*+ wound*- bleed*- fractur*- anatom*- immun*- hormon*+ thyroid+
        menstr*+ contracept*+ dermat*+ eczema+ epilep*+ seizure*+ anesth*+ anaesth*+ radiolog*+ pediatr*+ geriatr*+ vitamin*- supplement*- icd-10+ comorbid*+ prognos*+ contraindic*+ metasta*+
        chemo*+ dialysis+ sepsis+ anemia+ obes* nutrition- calorie*- sleep- insomnia+ adhd+ autis*+ bipolar+ schizo*+ emergency- er- paramedic* ambulance cpr+ concussion+ sprain* antidepress*+
        placebo+ trial*- randomized- cohort*- mortality morbidity lymph*+ glucose+ serum+ plasma- gene- genetic- protein- cell- cells- health healthcare+ healthy- wellness- dental+ dentist*+ tooth*
        arzt+ ärzt*+ krankheit*+ schmerz*+ medikament*+ dosierung*+ patientin*+ fieber+ symptome+ schwanger*+ médecin*+ maladie*+ douleur* médicament*+ posologie+ grossesse+ fièvre+ santé
        médico*+ enfermedad*+ dolor*- medicamento*+ dosis+ embaraz*+ fiebre+ salud síntoma*+ medico- malattia+ farmaco+ farmaci+ febbre+ gravidanza+ sintomi+ remédio*+ doença*+ febre+ grávida+ saúde
        sintomas+ huisarts+ ziekte*+ medicijn*+ koorts+ lekarz*+ choroba+ lek- gorączk*+ врач*+ болезн*+ лекарств*+ симптом*+ температур*- дозировк*+ беременн*+ doktor- hastalık*+ ilaç*+ ateş- belirti*+
    """,
    "legal": """
        law laws lawyer*+ attorney*+ legal legally legality illegal- lawsuit*+ sue+ sued+ suing+ court*+ judge- judges- jury+ plaintiff*+ defendant*+ litigat*+ contract contracts contractual+ clause clauses
        liab*+ indemn*+ tort+ torts+ negligen*+ statut*+ regulation*- regulatory- complian*- gdpr+ hipaa+ ccpa+ copyright*+ trademark*+ patent patents patented infring*+ licens*- tenant*+ landlord*+ evict*+
        lease leases divorce*+ custody+ alimony+ probate+ inherit*- testament- immigrat*+ visa- asylum+ deport*+ criminal*- felony+ misdemeanor+ bail+ parole+ prosecut*+ convict*+ constitution*- amendment*
        treaty- jurisdict*+ arbitrat*+ mediat*- settlement- subpoena*+ affidavit*+ notar*+ breach- nda+ ndas+ warranty- bankruptcy- police- rights- appeal*- appellant*+ appellee*+ petitioner*+ respondent*-
        ruling*- verdict*+ precedent*+ statute*+ legislat*+ paralegal*+ counsel+ solicitor*+ barrister*+ injunction*+ deposition*+ perjury+ defam*+ libel+ slander+ guardianship+ easement*+ zoning+
        covenant*+ estoppel+ habeas+ mens rea+ acquit*+ arraign*+ indict*+ plea- sentencing- lawful*+ unlawful*+ enforceable+ void- hereby+ herein+ thereof+ whereas+ pursuant+ hereto+ waiver*+ fiduciary+
        arrest*- assault*- theft- crime- crimes- power-of-attorney+ terms- jurist*+ tribunal*+
        gesetz*+ recht- rechtlich*+ anwalt*+ anwält*+ gericht*+ klage+ klagen- vertrag*+ mietvertrag*+ haftung*+ kündig*- urteil*+ bgh+ bgb+ stgb+ avocat*+ tribunal+ loi lois contrat*+ procès+ jugement+ bail-
        abogad*+ ley leyes demanda* contrato*+ juez+ tribunal*+ juicio+ derecho*- avvocat*+ legge leggi contratto+ tribunale+ causa- giudice+ advogad*+ lei leis processo- juiz+ advocaat+ rechtbank+ huurcontract+
        wetgeving+ prawnik*+ adwokat*+ umow*+ sąd*+ pozew+ закон*- юрист*+ адвокат*+ суд+ суда+ договор*+ иск+ avukat*+ mahkeme*+ sözleşme*+ dava+ hukuk*+
    """,
    "financial": """
        invest*+ stock- stocks+ shares- shareholder*+ bond- bonds portfolio*- dividend*+ etf+ etfs+ mutual- bank+ banks+ banking+ bankacc*+ loan*+ mortgage*+ credit debt debts+ interest- rate- rates- tax+ taxes+ taxable+ taxation+
        irs+ vat+ deduct*- refund*- account- balance- payment*- invoice* revenue* profit* budget* financ*+ econom*- inflation+ currency+ currencies+ crypto*- bitcoin+ ethereum+ trading- trader*+ broker*+
        hedge* option- retire*- retirement+ pension*+ 401k+ 401(k)+ ira+ roth+ insurance premium*- audit*- accounting+ accountant*+ ledger- gaap+ ifrs+ ebitda+ earnings+ valuation*+ equity capital- asset assets+ forex+ exchange-
        payable+ receivable+ card- debit+ atm+ transfer*- wire- deposit*- withdraw*- overdraft*+ transaction* fee- fees- charge- charged- charges- cash+ fund funds+ lend*+ borrow* underwrit*+ securities+ 10-k+ quarter- fiscal+
        depreciat*+ amortiz*+ liquidity+ solvency+ yield*- apr+ apy+ iban+ swift- paypal+ venmo+ top-up*+ topped- topping- pin- direct-debit+ statement- billing- bill- bills- spend- spending- savings+ wealth+ income net- worth- market-
        bankrupt*- collateral+ leverage- derivative- treasury+ nasdaq+ s&p+ dow+ ipo+ venture- startup- cost- costs- price- prices- money salary- wages- gdp+ monetary+ tariff*- supply- demand- microeconom*+ macroeconom*+ foreclos*+
        geld- steuer*+ aktie*+ kredit*+ konto+ zinsen+ rente- versicherung* bank+ anlage- anlegen- haushalt- impôt*+ banque*+ prêt+ crédit- investir+ actions- épargne+ retraite- compte- argent- dinero impuest*+ banco+ préstamo*+ hipoteca+
        invertir+ acciones- ahorro* tasse+ banca+ mutuo+ prestito+ investire+ azioni- risparmi+ soldi imposto*+ empréstimo*+ investir+ ações- dinheiro hypotheek+ belasting*+ beleggen+ aandelen+ lening+ podatek*+ podatk*+ kredyt*+ inwest*+
        налог*+ кредит*+ акци*- инвест*+ банк*+ вклад- ипотек*+ деньги vergi*+ kredi+ yatırım*+ hisse+ banka*+ borsa+
    """,
    "employment": """
        employee*+ employer*+ employment+ hire hiring+ hired recruit*+ recruiter*+ candidate*+ applicant*+ resume- resumes+ résumé*+ cv+ interview*- interviewer*+ job- jobs- salary+ salaries+ wage+ wages+ payroll+ promotion- promoted-
        fire- fired- firing- terminat*- layoff*+ laid- redundan*- dismissal+ severance+ performance- review- appraisal*+ hr+ onboarding*- offboarding+ workplace*+ coworker*+ co-worker*+ colleague* manager* boss+ harass*+ discriminat*-
        overtime+ pto+ vacation- maternity+ paternity+ benefits- union- strike- workforce+ staff staffing+ career* probation*+ position- vacancy+ vacancies+ reference- resign*+ resignation+ freelance*- contractor*- internship*+ intern-
        shortlist*+ qualification*- linkedin+ job-description+ notice-period+ whistleblow*+ fmla+ eeoc+ disciplinary+ pip- furlough*+ underperform*+ headcount+ talent- applicants+ raise- hours- shift- shifts- team-
        mitarbeiter*+ arbeitgeber*+ arbeitnehmer*+ bewerb*+ lebenslauf+ gehalt+ kündigung+ arbeitsvertrag+ stellen* vorstellungsgespräch+ employé*+ employeur+ embauche*+ licenci*+ salaire*+ candidat*+ entretien- emplead*+ emplead*
        contratar+ despid*+ salario*+ sueldo+ entrevista- currículum+ empleo+ dipendent*+ assunzion*+ licenziament*+ stipendio+ colloquio+ curriculum+ funcionári*+ contratação+ demissão+ demitir+ salário+ currículo+ werknemer*+ werkgever*+
        sollicit*+ ontslag+ salaris+ pracownik*+ pracodawc*+ zwolnieni*+ wynagrodzeni*+ сотрудник*+ работник*+ зарплат*+ увольн*+ уволить+ резюме+ вакансi*+ собеседован*+ işçi+ işveren+ maaş+ çalışan+ işten+
    """,
    "security": """
        exploit*+ vulnerab*+ malware+ ransomware+ phish*+ hack*+ pentest*+ penetration- injection- xss+ csrf+ ssrf+ rce+ overflow- payload*- shellcode+ metasploit+ nmap+ burp+ firewall*+ encrypt*+ decrypt*+ cipher*+
        password* crack*- brute-force+ brute- credential* authenticat*- authoriz*- oauth- jwt- cve*+ zero-day+ 0day+ botnet*+ ddos+ trojan*+ virus- rootkit*+ keylogger*+ spyware+ backdoor*+ forens*- siem+ soc- threat*- attack-
        attacker*+ attacks- adversar*- infosec+ cybersecur*+ cyber+ security secure- tls- ssl- certificate*- mitm+ obfuscat*- wireshark+ hash- hashes- hashing- salted- exfiltrat*+ mimikatz+ kerberos+ lateral- privilege* escalation- pivot-
        sandbox*- antivirus+ edr+ ids- ips- owasp+ sqli+ deserializ*- reverse-shell+ webshell+ wifi- wpa2+ aircrack+ hydra- hashcat+ john- doxx*+ spoof*+ tor- vpn- 2fa+ mfa+ intrus*+ honeypot*+ incident- breach- breached- leak- leaked-
        sicherheitslücke*+ schadsoftware+ verschlüssel*+ angreifer*+ passwort*- sécurité- vulnérabilit*+ pirat*- chiffr*+ seguridad- ciberseguridad+ contraseña*- vulnerabilidad*+ cifrado+ sicurezza- vulnerabilità+ segurança- vulnerabilidade*+
        beveiliging*- kwetsbaarheid+ bezpieczeństw*- podatność+ уязвимост*+ взлом*+ безопасност*- вредонос*+ güvenlik- zafiyet+
    """,
    "general": "",
}

SIGNS: dict[Domain, tuple[str, ...]] = {
    "medical": ("症状", "医生", "病人", "患者", "药", "藥", "剂量", "诊断", "治疗", "发烧", "癌", "疾病", "医療", "薬", "病院", "診断", "증상", "약", "의사", "환자", "진단", "병원", "طبيب", "مرض", "دواء", "أعراض", "डॉक्टर", "बीमारी", "दवा", "लक्षण", "急诊"),
    "legal": ("法律", "律师", "律師", "合同", "诉讼", "訴訟", "法院", "起诉", "版权", "弁護士", "契約", "裁判", "법률", "변호사", "계약", "소송", "법원", "قانون", "محام", "عقد", "محكمة", "कानून", "वकील", "अदालत", "अनुबंध"),
    "financial": ("投资", "投資", "股票", "贷款", "税", "銀行", "银行", "利率", "保险", "理财", "基金", "株", "ローン", "투자", "주식", "대출", "세금", "은행", "استثمار", "قرض", "ضريبة", "بنك", "निवेश", "ऋण", "कर ", "बैंक"),
    "employment": ("员工", "員工", "招聘", "解雇", "工资", "薪资", "面试", "简历", "候选人", "採用", "社員", "給料", "履歴書", "面接", "채용", "직원", "해고", "급여", "이력서", "موظف", "راتب", "توظيف", "कर्मचारी", "वेतन", "नौकरी"),
    "security": ("漏洞", "恶意软件", "黑客", "攻击", "攻撃", "加密", "密码破解", "渗透", "脆弱性", "マルウェア", "ハッキング", "취약점", "악성", "해킹", "ثغرة", "اختراق", "برمجيات خبيثة", "हैकिंग", "भेद्यता"),
}  # fmt: skip
"""The same where words are not set apart by spaces: a sign counts wherever it stands."""

PHRASES: dict[Domain, str] = {
    "medical": r"\bside effects?\b|\bblood (?:pressure|sugar|test|type)\b|\bheart (?:attack|rate|disease)\b|\bmental health\b|\bself[- ]harm\w*\b|\b(?:kill|hurt|cut)(?:ting|ing)? (?:myself|himself|herself)\b|\b(?:\d+) ?(?:mg|mcg|ml)\b|\bchest pain\b|\bclinical trials?\b|\bmedical (?:history|advice|record)s?\b",
    "legal": r"\b(?:terms of service|privacy policy|intellectual property|cease and desist|small claims|statute of limitations|class action|power of attorney|due process|supreme court|limitation of liability|non-?compete|non-disclosure|legal (?:advice|analysis|risk|rights|liability|obligations?)|case law|rental agreement|security deposit)\b",
    "financial": r"\b(?:interest rates?|credit (?:card|score|report|limit)|exchange rates?|stock (?:market|price)s?|net worth|cash flow|balance sheet|income statement|financial (?:advice|statement|planning)|savings account|checking account|bank account|mutual funds?|index funds?|tax (?:return|bracket|deduction|credit)s?|real estate investment|market cap|hedge funds?|compound interest|supply and demand|opportunity cost|marginal (?:cost|revenue)|direct debit|top up|virtual card|my card)\b",
    "employment": r"\b(?:job (?:offer|description|interview|posting|applicants?|candidates?)|cover letter|performance (?:review|improvement)|human resources|paid time off|sick leave|parental leave|lay(?:ing)? off|wrongful termination|background check|pay (?:raise|gap|rise)|notice period|hiring (?:manager|decision|process)|work(?:place)? (?:harassment|discrimination)|job applicants?|vacation days)\b",
    "security": r"\b(?:sql injection|buffer overflow|privilege escalation|reverse shell|brute[- ]force|zero[- ]day|cross[- ]site|denial of service|penetration test\w*|lateral movement|man[- ]in[- ]the[- ]middle|social engineering|command injection|path traversal|remote code execution|threat model\w*|incident response|private keys?|access control|security (?:vulnerabilit\w+|audit|flaw|hole|breach))\b",
}  # fmt: skip

ENDINGS: dict[Domain, tuple[str, ...]] = {
    "medical": (
        "itis", "ectomy", "osis", "emia", "aemia", "pathy", "plasty", "scopy", "algia", "uria", "plegia", "carcinoma", "sarcoma", "cardia", "penia",
        "ologist", "otomy", "oplasia", "mycin", "cillin", "azole", "statin",
    ),
}  # fmt: skip
"""How longer words end that one domain alone makes."""
