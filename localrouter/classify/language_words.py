"""Marks of languages: short words that stand in nearly every sentence, letters that few languages have, and common endings.

Written by hand from the languages' closed word classes (articles, pronouns, prepositions, conjunctions, auxiliaries, question words) and from
what people ask models. Names are ISO 639-1. A word of several languages counts less for each of them (`language.py`).
"""

from __future__ import annotations

WORDS: dict[str, str] = {
    "en": "the of and to in is are was were be been it its this that these those with for on at by from as an or not but "
    "if you your i my me we our they their he she his her what which who whom how why when where can could would "
    "should will do does did have has had please write give make tell explain show there here about into than then "
    "them just like need want help me us some any all more most also very much many only other same each between "
    "after before because while during using use create find list whats im dont doesnt cant ive don't doesn't can't "
    "isn't it's i'm i've i'd you're let's thanks hello hi",
    "de": "fasse zusammen kurz übersetze korrigiere analysiere beantworte text folgenden folgende folgender wichtigsten "
    "der die das und ist nicht ein eine einen einem einer eines ich du er sie es wir ihr mich mir dich dir uns euch "
    "ihnen mein meine meinen meinem dein deine sein seine unser kein keine zu zum zur von vom mit für auf aus bei "
    "beim nach über unter zwischen durch gegen ohne um an am im den dem des dass ob wenn weil aber oder als wie was "
    "wer wo wann warum welche welcher welches kann kannst können könnte soll sollte muss wird werden wurde wurden "
    "habe hat haben hatte war waren sind bin bist auch noch nur schon sehr mehr hier dort bitte schreibe erkläre "
    "gib mach diese dieser dieses diesen sich einige alle gibt man doch immer wieder etwas nichts danke hallo heute "
    "möchte",
    "fr": "résume résumez traduis traduisez corrige corrigez analyse réponds répondez texte suivant suivante notes "
    "réunion le la les un une des du de et est sont ne pas que qui quoi dont où je tu il elle nous vous ils elles "
    "mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette ces au aux en dans sur sous avec "
    "sans pour par entre vers chez mais ou donc car si comme quand comment pourquoi quel quelle quels quelles être "
    "avoir ai as a avons avez ont était été fait faire peut peux pouvez dois doit faut plus moins très aussi bien "
    "tout tous toute toutes même autre autres y se s'il c'est qu'est l'on d'un d'une n'est j'ai qu'il écris écrivez "
    "donne donnez explique expliquez merci bonjour moi toi lui cela ça voici",
    "es": "resume resumir traduce traducir corrige analiza responde texto siguiente respuesta código función el la los "
    "las un una unos unas de del y e o u que qué en es son está están ser estar fue era no sí se lo le les me te "
    "nos mi mis tu tus su sus nuestro nuestra este esta estos estas ese esa eso esto con sin para por sobre entre "
    "hasta desde hacia según pero porque cuando cuándo como cómo donde dónde cuál cuáles quién cuánto cuántos si "
    "más menos muy también ya hay tiene tienen tengo ha han he puede puedes puedo debe debo hacer haz dame escribe "
    "explica explícame quiero necesito todo todos toda todas otro otra al a yo él ella ellos usted ustedes gracias "
    "hola",
    "it": "riassumi traduci correggi analizza rispondi testo seguente codice funzione il lo la i gli le un uno una di del "
    "dello della dei degli delle a al allo alla ai agli alle da dal dalla in nel nella nei nelle con su sul sulla "
    "per tra fra e ed o che chi cosa come quando dove perché quale quali quanto quanti è sono era erano essere "
    "avere ho hai ha abbiamo hanno non si ci vi mi ti ne lo suo sua suoi mio mia miei tuo tua questo questa questi "
    "queste quello quella più meno molto anche ma se già può puoi posso devo deve fare fai scrivi spiega spiegami "
    "dammi vorrei tutto tutti tutte altro io tu lui lei noi voi loro grazie ciao buongiorno c'è dell'",
    "pt": "resuma resumir traduza corrija analise responda resposta texto seguinte errada código função o a os as um uma "
    "uns umas de do da dos das em no na nos nas ao aos à às por pelo pela pelos para com sem sobre entre até e ou "
    "que quem qual quais quando onde como porque quanto é são era foi ser estar está estão não sim se lhe me te nos "
    "meu minha meus minhas teu tua seu sua seus suas este esta isto esse essa isso aquele aquela mais menos muito "
    "também já há tem têm tenho pode posso podem deve fazer faça escreva explique dê quero preciso você vocês ele "
    "ela eles elas eu nós mas pois todo toda todos todas outro outra obrigado olá num numa dele dela",
    "nl": "vat samen vertaal corrigeer analyseer beantwoord tekst volgende de het een en van in is zijn was waren niet "
    "dat die dit deze op te aan met voor om bij naar uit over door tot als maar of want dan ook nog wel geen ik jij "
    "je u hij zij ze wij we jullie hun hem haar mijn jouw ons onze wat wie waar wanneer waarom hoe welke kan kun "
    "kunt kunnen moet moeten zou zouden wil wilt worden wordt werd heeft hebben had heb er hier daar meer veel heel "
    "alle alles iets niets schrijf leg geef maak graag alsjeblieft bedankt hallo tussen zonder tegen onder zoals "
    "omdat",
    "sv": "sammanfatta översätt text följande mig dig sig och att det som en ett är av på för med den till inte om var "
    "har de hade jag du han hon vi ni dem min mitt mina din ditt dina sin sitt sina vår ert från men eller så när "
    "hur vad vem vilka vilken vilket varför kan kunna ska skulle måste vill bli blir blev vara varit också bara "
    "mycket mer alla allt något några ingen här där detta dessa denna efter under mellan utan över genom mot skriv "
    "förklara ge gör tack hej hos",
    "da": "opsummer oversæt følgende mig dig sig og at det som en et er af på for med den til ikke om var har de havde "
    "jeg du han hun vi i jer dem min mit mine din dit dine sin sit sine vores fra men eller så når hvordan hvad "
    "hvem hvilke hvilken hvorfor hvor kan kunne skal skulle må vil blive bliver blev være været også kun meget mere "
    "alle alt noget nogle ingen her der dette disse denne efter under mellem uden over gennem mod skriv forklar giv "
    "gør tak hej hos af",
    "no": "oppsummer oversett følgende meg deg seg og å det som en ei et er av på for med den til ikke om var har de "
    "hadde jeg du han hun vi dere dem min mitt mine din ditt dine sin sitt sine vår fra men eller så når hvordan "
    "hva hvem hvilke hvilken hvorfor hvor kan kunne skal skulle må vil bli blir ble være vært også bare mye mer "
    "alle alt noe noen ingen her der dette disse denne etter under mellom uten over gjennom mot skriv forklar gi "
    "gjør takk hei hos ikkje eg ein",
    "fi": "ja on ei se että en oli ovat olla ole mutta tai kun jos niin kuin myös mitä mikä kuka missä milloin miksi "
    "miten kuinka minä sinä hän me te he minun sinun hänen tämä tuo nämä ne sen tämän jonka joka jotka voi voit "
    "voiko voisitko pitää täytyy ovatko onko eivät vain jo vielä hyvin paljon kaikki kanssa ilman mukaan jälkeen "
    "ennen välillä sekä eli koska kirjoita selitä anna tee kiitos hei minulle sitä tässä",
    "pl": "streść przetłumacz popraw tekst następujący odpowiedz i w z na do nie się to jest są był była było że o jak "
    "ale co czy za od po przez dla przy nad pod przed między bez u ja ty on ona ono my wy oni mnie mi mój moja moje "
    "twój jego jej ich ten ta te tego tej tym tych który która które których kto kiedy gdzie dlaczego jaki jaka "
    "jakie ile może mogę można trzeba musi chcę proszę napisz wyjaśnij podaj daj zrób być mieć ma mam mają tylko "
    "już jeszcze bardzo więcej wszystkie także oraz lub więc dziękuję cześć jeśli",
    "cs": "shrň přelož oprav text následující a v ve na je se s z ze do to že není jsou byl byla bylo jako ale co po o k "
    "ke od za pro při nad pod před mezi bez u já ty on ona my vy oni mě mi můj moje tvůj jeho její jejich ten ta "
    "tento tato toto těchto tím který která které kteří kdo kdy kde proč jak jaký jaká jaké kolik může mohu můžeš "
    "můžete musí chci prosím napiš napište vysvětli vysvětlete dej udělej být mít má mám mají jen pouze už ještě "
    "velmi více všechny také nebo tedy děkuji ahoj jsem když bych",
    "sk": "a v vo na je sa s so z zo do to že nie sú bol bola bolo ako ale čo po o k ku od za pre pri nad pod pred medzi "
    "bez u ja ty on ona my vy oni ma mi môj moje tvoj jeho jej ich ten tá tento táto toto týchto tým ktorý ktorá "
    "ktoré ktorí kto kedy kde prečo aký aká aké koľko môže môžem môžeš môžete musí chcem prosím napíš napíšte "
    "vysvetli vysvetlite daj urob byť mať má mám majú len iba už ešte veľmi viac všetky tiež alebo teda ďakujem "
    "ahoj som keď by",
    "hu": "a az és nem hogy egy is van volt ez azt ezt ha de vagy mint csak már még meg el ki be fel le mi mit ki kit hol "
    "mikor miért hogyan melyik milyen mennyi én te ő mi ti ők nekem neked neki engem téged az ezek azok kell lehet "
    "tud tudsz szeretnék kérlek írj írd magyarázd adj készíts között után előtt nélkül alatt szerint minden több "
    "nagyon köszönöm szia lesz vannak voltak ami aki amely amelyet ahol mert így úgy legyen",
    "ro": "și în de la a al ale ai un o unei unui cu pe din că nu este sunt era au are am ai fi fost să se ce care cine "
    "când unde cum cât cât de ce pentru prin după între fără despre dar sau dacă mai foarte tot toate toți eu tu el "
    "ea noi voi ei ele mă te îl îi ne vă le meu mea tău ta său sa lui lor acest această aceste acești acela poate "
    "poți pot trebuie vreau scrie explică dă fă mulțumesc bună salut doar deja încă decât către",
    "tr": "özetle çevir düzelt metni aşağıdaki ve bir bu da de için ile mi mı mu mü ne nasıl neden niçin kim nerede hangi "
    "kaç çok daha en gibi kadar sonra önce ama veya ya ki değil var yok olan olarak oldu olduğu olur olması ben sen "
    "o biz siz onlar benim senin onun bizim bana sana ona şu her bütün tüm bazı hiç sadece şey yap yaz açıkla ver "
    "lütfen eder etmek edilir misin mısın istiyorum gerek göre arasında üzerinde tarafından teşekkürler merhaba ise "
    "eğer çünkü bunu nedir",
    "id": "ringkas terjemahkan perbaiki teks berikut yang dan di ke dari untuk dengan pada adalah ini itu tidak bukan "
    "akan telah sudah belum sedang dapat bisa harus saya aku kamu anda dia kami kita mereka apa siapa kapan dimana "
    "mana mengapa kenapa bagaimana berapa atau tetapi tapi jika kalau karena sebagai oleh dalam antara tanpa "
    "setelah sebelum seperti juga lebih sangat semua banyak beberapa lain satu dua ada tolong buat buatlah tulis "
    "jelaskan berikan terima kasih halo saja agar bagi tentang para ia nya",
    "ms": "yang dan di ke dari untuk dengan pada adalah ini itu tidak bukan akan telah sudah belum sedang dapat boleh "
    "mesti saya awak anda dia kami kita mereka apa siapa bila mana mengapa kenapa bagaimana berapa atau tetapi jika "
    "kerana sebagai oleh dalam antara tanpa selepas sebelum seperti juga lebih sangat semua banyak beberapa lain "
    "satu ada tolong buat tulis terangkan berikan terima kasih sahaja supaya bagi tentang ialah kepada daripada",
    "vi": "của và là có không được cho các những một này đó với trong ngoài để từ đến tôi bạn anh chị em chúng ta họ nó "
    "gì ai nào đâu khi tại sao như thế bao nhiêu thì mà nhưng hoặc nếu vì cũng đã đang sẽ rất nhiều hơn nhất hãy "
    "viết giải thích làm người về theo trên dưới giữa sau trước cần phải muốn vui lòng xin chào cảm ơn ở ra vào lại "
    "việc",
    "ca": "el la els les un una uns unes de del dels i o que què en és són està estan ser no sí es ho li em et ens us meu "
    "meva teu seva aquest aquesta aquests aquestes això allò amb sense per sobre entre fins des cap però perquè "
    "quan com on qui quin quina quins quant si més menys molt també ja hi ha té tenen tinc pot pots puc cal fer "
    "escriu explica vull necessito tot tots tota altres al als jo ell ella nosaltres vostè gràcies hola seu",
    "hr": "i u na je se su da ne nije za od do s sa o po iz kod pri nad pod pred između bez ali ili ako kad kada kako što "
    "tko gdje zašto koji koja koje koliko ja ti on ona mi vi oni me te ga ju nas vas ih moj moja moje tvoj njegov "
    "njezin ovaj ova ovo taj ta to tog tom bio bila bilo biti sam si smo ste može mogu možeš možete treba mora "
    "želim molim napiši objasni daj napravi samo već još vrlo više sve svi također hvala bok kao jer prema nakon "
    "hoće",
    "sl": "in v na je se so da ne ni za od do s z o po iz pri nad pod pred med brez ali če ko kdaj kako kaj kdo kje zakaj "
    "kateri katera katero koliko jaz ti on ona mi vi oni me te ga jo nas vas jih moj moja moje tvoj njegov njen ta "
    "to tega tem bil bila bilo biti sem si smo ste lahko moram mora želim prosim napiši razloži daj naredi samo že "
    "še zelo več vse vsi tudi hvala kot ker kar bo bi ter oziroma med",
    "et": "ja on ei see et oli kui aga või ka mis kes kus millal miks kuidas milline kui palju mina sina tema meie teie "
    "nemad ma sa ta me te nad minu sinu selle seda need nende ole olla pole saab saan võib peab tuleb tahan palun "
    "kirjuta selgita anna tee ainult juba veel väga rohkem kõik ning ehk sest pärast enne ilma vahel järgi jaoks "
    "oma üks kaks tänan tere mida mille välja",
    "lv": "un ir ar no uz par kā kas ka ne nav bet vai ja arī tas tā to šis šī tie pie pēc pirms starp bez līdz caur es "
    "tu viņš viņa mēs jūs viņi mans mana tavs savu kur kad kāpēc kāds kāda cik var varu vajag jābūt gribu lūdzu "
    "uzraksti paskaidro dod tikai jau vēl ļoti vairāk visi visu būt bija ko kuru kura kurš paldies sveiki tiek tika "
    "lai gan",
    "lt": "ir yra kad ne su į iš ant apie kaip kas bet ar jei taip pat tai šis ši tas ta tie po prieš tarp be iki per "
    "prie aš tu jis ji mes jūs jie mano tavo savo kur kada kodėl koks kokia kiek gali galiu reikia noriu prašau "
    "parašyk paaiškink duok tik jau dar labai daugiau visi visų būti buvo ką kurį kuri kuris ačiū labas nėra nuo "
    "dėl arba už",
    "eu": "eta da ez dira du dute zen bat hau hori hura nik zuk guk zer nor non noiz zergatik nola zein zenbat baina edo "
    "ere bai oso gehiago guztiak behar nahi ahal egin idatzi azaldu eman mesedez eskerrik kaixo izan dago daude "
    "arte gabe baino bezala dela nire zure",
    "ga": "agus an na is tá níl bhí ar i le do de go ag faoi ó mar ach nó má cad cé conas cén fáth cá mé tú sé sí muid "
    "sibh siad mo bhur seo sin gach níos scríobh mínigh tabhair raibh maith dia duit chun nach atá bhfuil",
    "af": "die en van in is nie dat dit het om te vir met op by aan na uit oor deur tot as maar of want dan ook nog wel "
    "geen ek jy hy sy ons julle hulle my jou sy haar wat wie waar wanneer hoekom hoe watter kan moet sal sou wil "
    "word was gehad hier daar meer baie alle iets skryf verduidelik gee maak asseblief dankie hallo tussen sonder "
    "teen onder hierdie daardie nie",
    "is": "og að er í á sem ekki það en við með til um af var hann hún þú ég þeir þær þau við þið minn mín þinn sinn hvað "
    "hver hvar hvenær hvers vegna hvernig hvaða eða ef þegar hafa hefur eru voru vera verið getur get þarf vil "
    "skrifaðu útskýrðu gefðu takk halló þetta þessi frá yfir eftir milli án bara mjög fleiri allir líka sér",
    "tl": "ang ng mga sa na at ay ko mo niya namin natin nila ako ikaw siya kami tayo sila ito iyan iyon ano sino saan "
    "kailan bakit paano alin ilan hindi oo wala may mayroon para kung kapag pero o dahil upang din rin lang na "
    "lamang pa po gusto kailangan isulat ipaliwanag magbigay gumawa salamat kumusta nang ba isang naman",
    "sw": "na ya wa kwa ni katika la za cha vya hii hiyo hizi hizo huu hao yeye mimi wewe sisi nyinyi wao nini nani wapi "
    "lini kwa nini vipi gani ngapi si sio lakini au kama kwamba pia sana zaidi wote yote kila bila kabla baada kati "
    "ya kuwa ana nina una wana tuna ina naomba tafadhali andika eleza nipe tengeneza asante habari jambo kutoka "
    "hadi ambayo",
    "cy": "a ac yr y i o yn ar am gan gyda heb dros trwy mae ydy yw oes roedd oedd nid ddim fi ti ef hi ni chi nhw fy dy "
    "ei eu beth pwy ble pryd pam sut pa faint ond neu os hefyd iawn mwy pob mae'r i'r o'r a'r ysgrifennwch eglurwch "
    "rhowch diolch helo wedi bod hwn hon hyn",
    "sq": "dhe në e të i një me për nga është janë nuk që si por ose nëse kur ku kush çfarë pse cili cila sa unë ti ai "
    "ajo ne ju ata ato im imja yt juaj ky kjo këto këta mund duhet dua ka kanë kam ishte ishin shumë më tepër "
    "gjithë vetëm edhe pa mbi nën midis shkruaj shpjego jep faleminderit përshëndetje së",
    "az": "və bir bu da də üçün ilə nə necə niyə kim harada hansı neçə çox daha ən kimi qədər sonra əvvəl amma və ya ki "
    "deyil var yox olan olaraq oldu mən sən o biz siz onlar mənim sənin onun bizim mənə sənə hər bütün yalnız yaz "
    "izah et ver zəhmət olmasa edir etmək istəyirəm görə arasında təşəkkür salam isə əgər çünki",
    # Cyrillic
    "ru": "кратко переведи исправь текст следующий ответь и в не на что с по это как а но из у за то для от же о к бы или "
    "если так при до во со об без под над между через после я ты он она оно мы вы они меня мне мой моя моё мои твой "
    "его её их этот эта эти этого тот та те кто когда где почему зачем какой какая какие сколько чем может можно "
    "нужно надо хочу пожалуйста напиши напишите объясни объясните дай сделай быть есть был была было были только "
    "уже ещё очень более все всё также спасибо привет который которая которые чтобы тоже сейчас",
    "uk": "стисло переклади виправ текст і в у не на що з по це як а але із за то для від ж о до би або якщо так при об "
    "без під над між через після я ти він вона воно ми ви вони мене мені мій моя моє мої твій його її їх цей ця ці "
    "цього той та ті хто коли де чому навіщо який яка які скільки чим може можна потрібно треба хочу будь ласка "
    "напиши напишіть поясни поясніть дай зроби бути є був була було були тільки лише вже ще дуже більше всі все "
    "також дякую привіт щоб та й",
    "bg": "и в не на че с по това като а но от за то до да се си или ако така при във със об без под над между през след "
    "аз ти той тя то ние вие те мен ми мой моя моето твой неговият нейният този тази тези онзи кой кога къде защо "
    "какъв каква какви колко може трябва искам моля напиши обясни дай направи съм е са беше бяха само вече още "
    "много повече всички също благодаря здравей който която които ще са как",
    "sr": "и у на је се су да не није за од до с са о по из код при над под пред између без али или ако кад када како шта "
    "што ко где зашто који која које колико ја ти он она ми ви они ме те га ју нас вас их мој моја моје твој његов "
    "њен овај ова ово тај та то био била било бити сам си смо сте може могу треба мора желим молим напиши објасни "
    "дај направи само већ још врло више све сви такође хвала здраво као јер према након",
    "mk": "и во на е се да не за од до со о по из кај при над под пред меѓу без но или ако кога како што кој каде зошто "
    "која кое колку јас ти тој таа ние вие тие ме те го ја не ве ги мој моја мое твој негов нејзин овој оваа ова "
    "тоа беше биде сум си сме сте може треба мора сакам те молам напиши објасни дај направи само веќе уште многу "
    "повеќе сите исто така благодарам здраво како бидејќи според",
    "be": "і ў у не на што з па гэта як а але за то для ад ж аб да бы ці калі так пры без пад над паміж праз пасля я ты "
    "ён яна яно мы вы яны мяне мне мой мая маё твой яго яе іх гэты гэтая гэтыя той хто дзе чаму які якая якія "
    "колькі можа можна трэба хачу калі ласка напішы растлумач дай зрабі быць ёсць быў была было толькі ўжо яшчэ "
    "вельмі больш усе таксама дзякуй",
    "kk": "және бұл мен үшін бір бар жоқ емес да де деп не қандай қалай неге кім қайда қашан қанша өте көп ең сияқты "
    "дейін кейін бұрын бірақ немесе сен ол біз сіз олар менің сенің оның біздің маған оған осы сол барлық тек жаз "
    "түсіндір бер керек болды болып болады еді екен арасында туралы бойынша рахмет сәлем",
    # Arabic script
    "ar": "في من على إلى عن مع هذا هذه ذلك تلك التي الذي ما ماذا من متى أين لماذا كيف كم هل لا لم لن ليس غير إن أن كان "
    "كانت يكون هو هي هم نحن أنا أنت أو و ثم إذا لو لكن كل بعض بين بعد قبل حتى عند لي لك له لها اكتب اشرح أعط أريد "
    "يمكن يجب شكرا مرحبا قد أي تم",
    "fa": "و در به از که این آن با برای است را هم یک تا بر هر یا اگر اما ولی چون چه چی کی کجا چرا چگونه چطور چند آیا من "
    "تو او ما شما آنها خود می نمی شود شد بود هست نیست باید توانید بنویس توضیح بده لطفا کنید کرد کردن شده های ها پس "
    "بین بعد قبل بدون سلام ممنون",
    "ur": "اور میں ہے ہیں کا کی کے کو سے پر یہ وہ نے تھا تھی تھے کیا کیوں کیسے کب کہاں کون کتنا نہیں ہم آپ تم میرا میری "
    "آپ کا ایک جو جب تک یا اگر لیکن بھی ہو ہوتا کریں کر دیں لکھیں بتائیں وضاحت شکریہ براہ کرم لیے ساتھ بعد پہلے سب",
    # Devanagari
    "hi": "और का की के में है हैं को से पर यह वह ने था थी थे क्या क्यों कैसे कब कहाँ कौन कितना नहीं मैं हम आप तुम मेरा "
    "मेरी आपका एक जो जब तक या अगर लेकिन भी हो होता करें कर दें लिखें लिखो बताएं समझाएं कृपया धन्यवाद लिए साथ बाद "
    "पहले सब इस उस कि रहा रही रहे गया",
    "mr": "आणि चा ची चे च्या मध्ये आहे आहेत ला हे ते ही हा तो ती होता होती होते काय का कसे कसा कधी कुठे कोण किती नाही मी "
    "आम्ही तुम्ही तू माझा माझी तुमचा एक जो जेव्हा किंवा जर पण सुद्धा करा द्या लिहा सांगा स्पष्ट कृपया धन्यवाद साठी "
    "नंतर आधी सर्व या त्या की असे",
    "ne": "र को का की मा छ छन् लाई बाट यो त्यो ले थियो थिए के किन कसरी कहिले कहाँ को कति छैन म हामी तपाईं तिमी मेरो "
    "तपाईंको एक जो जब वा यदि तर पनि हुन्छ गर्नुहोस् दिनुहोस् लेख्नुहोस् बताउनुहोस् कृपया धन्यवाद लागि सँग पछि अघि "
    "सबै यस हो भने",
}  # fmt: skip

LETTERS: dict[str, str] = {
    "de": "ß",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "pl": "łńśźżąę",
    "cs": "ěřů",
    "sk": "ľĺŕ",
    "hu": "őű",
    "ro": "șțăţ",
    "tr": "ğış",
    "az": "ə",
    "vi": "ơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "da": "øæ",
    "no": "øæ",
    "sv": "å",
    "is": "þð",
    "lv": "āēīūķļņģ",
    "lt": "ėįųū",
    "sq": "ë",
    "et": "õ",
    "fr": "œùê",
    "hr": "đ",
    "uk": "іїєґ",
    "ru": "ыэё",
    "be": "ў",
    "sr": "ђјљњћџ",
    "mk": "ѓќѕљњ",
    "kk": "әқңөүұһ",
    "bg": "ъщ",
    "fa": "پچژگک",
    "ur": "ٹڈڑںےہ",
    "ar": "ةىإأ",
    "mr": "ळ",
    "ca": "·",
    "cy": "ŵŷ",
}  # fmt: skip
"""Letters that few other languages write. Each counts as half a word."""

ENDINGS: dict[str, str] = {
    "en": "ing tion ment ness ould ight ough",
    "de": "ung keit heit lich isch chen",
    "fr": "eux tion ment ité ique eur aient ées",
    "es": "ción ciones dad ando iendo mente",
    "it": "zione zioni tà mente ando endo ello",
    "pt": "ção ções dade ando mente inho",
    "nl": "heid lijk ijke ingen tje",
    "sv": "ning arna erna lig ande",
    "da": "ning erne else lig ende hed ligt tion else gelse",
    "no": "ning ene else lig ende het sjon",
    "fi": "ssa ssä sta stä lla llä ksi mme vat vät inen aan ään een isen tus koja oida ista",
    "pl": "ość owa ego ach nie ych ami",
    "cs": "ost ého ých ení ách ové",
    "sk": "osť ého ých nie ách ové",
    "hu": "ban ben nak nek ság ség tól ből hoz ott",
    "ro": "ului elor ilor ție ește ează",
    "tr": "lar ler dir dır yor lık mak mek ması",
    "id": "kan nya annya",
    "ms": "kan nya annya",
    "ca": "ció dors ment ava",
    "hr": "nje nja ost ima ovi ski",
    "sl": "nje nja ost imi ovi ski anje enje ite ala",
    "et": "mine ist tud ste dele ine kse tav",
    "lv": "ums šana iem ība",
    "lt": "imas umas ų iai uose",
    "fa": "های",
    "ru": "ость ться ого ение ами ский ется",
    "uk": "ість ться ого ення ами ський ється",
    "bg": "ост ният ното ата ите ето",
    "sr": "ост ње има ови ски",
    "mk": "ост ње ата ите ето ува кој ање ење",
    "be": "асць цца ага анне амі скі ецца нне ыць аць аў",
}  # fmt: skip
"""How longer words end. Each counts as a third of a word."""

SCRIPTS: tuple[tuple[int, int, str], ...] = (
    (0x0370, 0x03FF, "el"), (0x1F00, 0x1FFF, "el"), (0x0400, 0x052F, "cyrillic"), (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"), (0x0600, 0x06FF, "arabic"), (0x0750, 0x077F, "arabic"), (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bn"), (0x0A00, 0x0A7F, "pa"), (0x0A80, 0x0AFF, "gu"), (0x0B00, 0x0B7F, "or"), (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"), (0x0C80, 0x0CFF, "kn"), (0x0D00, 0x0D7F, "ml"), (0x0D80, 0x0DFF, "si"), (0x0E00, 0x0E7F, "th"),
    (0x0E80, 0x0EFF, "lo"), (0x0F00, 0x0FFF, "bo"), (0x1000, 0x109F, "my"), (0x10A0, 0x10FF, "ka"), (0x1100, 0x11FF, "ko"),
    (0x1200, 0x137F, "am"), (0x1780, 0x17FF, "km"), (0x1800, 0x18AF, "mn"), (0x3040, 0x30FF, "ja"), (0x31F0, 0x31FF, "ja"),
    (0x3400, 0x4DBF, "han"), (0x4E00, 0x9FFF, "han"), (0xAC00, 0xD7AF, "ko"), (0xF900, 0xFAFF, "han"),
    (0xFB50, 0xFEFF, "arabic"),
)  # fmt: skip
"""Blocks of Unicode, and the language that alone writes in them; or the name of a script that several write."""

SHARED: dict[str, frozenset[str]] = {
    "cyrillic": frozenset({"ru", "uk", "bg", "sr", "mk", "be", "kk"}),
    "arabic": frozenset({"ar", "fa", "ur"}),
    "devanagari": frozenset({"hi", "mr", "ne"}),
}
ELSE: dict[str, str] = {"cyrillic": "ru", "arabic": "ar", "devanagari": "hi"}
"""The language of a text in a shared script where no mark was met: the one that most people write."""
