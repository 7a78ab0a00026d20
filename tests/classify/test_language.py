"""The language that somebody wrote, in sentences as people write them to models."""

import pytest

from localrouter.classify.language import language

SENTENCES = {
    "en": ["Why is the sky blue in the evening?", "Fix the failing tests in utils.py", "Summarize this in three sentences."],
    "de": ["Wie kann ich meinen Lebenslauf verbessern?", "Schreibe mir bitte eine Funktion, die eine Liste sortiert.", "Was ist der Unterschied zwischen Brutto und Netto?"],
    "fr": ["Explique-moi la différence entre TCP et UDP.", "Quel est le meilleur moyen d'apprendre à nager ?", "Écris un poème sur la mer."],
    "es": ["¿Cuál es la capital de Australia?", "Escribe una función que ordene una lista de números.", "Necesito ayuda con mi declaración de la renta."],
    "it": ["Come posso cucinare la carbonara senza panna?", "Scrivi una lettera di dimissioni.", "Qual è la differenza tra questi due contratti?"],
    "pt": ["Como faço para renovar o meu passaporte?", "Escreva uma função que ordene uma lista.", "Qual é a melhor forma de aprender inglês?"],
    "nl": ["Wat is het verschil tussen deze twee contracten?", "Schrijf een gedicht over de zee.", "Hoe kan ik mijn wachtwoord wijzigen?"],
    "sv": ["Hur kan jag förbättra mitt CV?", "Skriv en dikt om havet och vintern."],
    "da": ["Hvordan kan jeg forbedre mit CV?", "Hvad er forskellen på de to kontrakter?"],
    "no": ["Kan du skrive et dikt om havet for meg?", "Hva er forskjellen på de to kontraktene, og hvilken bør jeg ikke skrive under?"],
    "fi": ["Miten voin parantaa ansioluetteloani?", "Mikä on näiden kahden sopimuksen ero ja mitä minun pitää tietää?"],
    "pl": ["Jak mogę poprawić swoje CV?", "Napisz wiersz o morzu i zimie.", "Jaka jest różnica między tymi umowami?"],
    "cs": ["Jak mohu zlepšit svůj životopis?", "Jaký je rozdíl mezi těmito dvěma smlouvami?"],
    "sk": ["Ako môžem zlepšiť svoj životopis?", "Aký je rozdiel medzi týmito dvoma zmluvami?"],
    "hu": ["Hogyan javíthatom az önéletrajzomat?", "Mi a különbség a két szerződés között?"],
    "ro": ["Cum pot să îmi îmbunătățesc CV-ul?", "Care este diferența dintre cele două contracte?"],
    "tr": ["Özgeçmişimi nasıl geliştirebilirim?", "Bu iki sözleşme arasındaki fark nedir?"],
    "id": ["Bagaimana cara memperbaiki riwayat hidup saya?", "Tolong buatkan puisi tentang laut."],
    "vi": ["Làm thế nào để tôi cải thiện hồ sơ xin việc?", "Hãy viết một bài thơ về biển."],
    "ca": ["Quina és la diferència entre aquests dos contractes?", "Escriu un poema sobre el mar amb molt de sentiment."],
    "hr": ["Kako mogu poboljšati svoj životopis?", "Koja je razlika između ova dva ugovora i što trebam znati?"],
    "sl": ["Kako lahko izboljšam svoj življenjepis?", "Kakšna je razlika med tema dvema pogodbama in kaj moram vedeti?"],
    "et": ["Kuidas saan oma elulookirjeldust parandada?", "Mis on nende kahe lepingu erinevus?"],
    "lv": ["Kā es varu uzlabot savu dzīves aprakstu?", "Kāda ir atšķirība starp šiem diviem līgumiem?"],
    "lt": ["Kaip galiu pagerinti savo gyvenimo aprašymą?", "Koks yra skirtumas tarp šių dviejų sutarčių?"],
    "ru": ["Как мне улучшить своё резюме?", "Напиши функцию, которая сортирует список."],
    "uk": ["Як мені покращити своє резюме?", "Напиши функцію, яка сортує список."],
    "bg": ["Как мога да подобря автобиографията си?", "Каква е разликата между тези два договора?"],
    "sr": ["Како могу да побољшам своју биографију?", "Која је разлика између ова два уговора?"],
    "kk": ["Мен түйіндемемді қалай жақсарта аламын және не істеу керек?"],
    "el": ["Πώς μπορώ να βελτιώσω το βιογραφικό μου;"],
    "he": ["איך אני יכול לשפר את קורות החיים שלי?"],
    "ar": ["كيف يمكنني تحسين سيرتي الذاتية؟", "اكتب قصيدة عن البحر."],
    "fa": ["چگونه می‌توانم رزومه خود را بهتر کنم؟", "یک شعر درباره دریا بنویس و آن را برای من توضیح بده."],
    "ur": ["میں اپنا ریزیومے کیسے بہتر بنا سکتا ہوں؟"],
    "hi": ["मैं अपना बायोडाटा कैसे सुधार सकता हूँ?", "समुद्र पर एक कविता लिखें।"],
    "bn": ["আমি কীভাবে আমার জীবনবৃত্তান্ত উন্নত করতে পারি?"],
    "ta": ["என் சுயவிவரத்தை எப்படி மேம்படுத்துவது?"],
    "te": ["నా రెజ్యూమేను ఎలా మెరుగుపరచాలి?"],
    "th": ["ฉันจะปรับปรุงประวัติย่อของฉันได้อย่างไร"],
    "ka": ["როგორ გავაუმჯობესო ჩემი რეზიუმე?"],
    "hy": ["Ինչպե՞ս կարող եմ բարելավել իմ ինքնակենսագրությունը:"],
    "zh": ["我怎样才能改进我的简历？", "请用 Python 写一个函数。"],
    "ja": ["履歴書を改善するにはどうすればいいですか？", "Pythonで関数を書いてください。"],
    "ko": ["이력서를 어떻게 개선할 수 있나요?", "파이썬으로 함수를 작성해 주세요."],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in SENTENCES.items() for t in texts])
def test_sentences(name: str, text: str) -> None:
    found, shares = language(text)
    assert found == name, shares


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Translate to French: 'Ich habe heute keine Zeit für dich.'", "en"),
        ('What does "dove posso trovare una farmacia aperta" mean?', "en"),
        ("Erkläre diesen Code:\n```python\nfor the_item in the_list:\n    print(the_item)\n```", "de"),
        ("Explica qué hace `git rebase --onto the main branch`", "es"),
    ],
)
def test_quotations_and_code_are_not_the_persons_language(text: str, name: str) -> None:
    assert language(text)[0] == name


@pytest.mark.parametrize(
    "text", ["", "   ", "42", "x = y + 1;", "```\nfor the of and\n```", "[[tool:Read:{}]]", "🙂🙂🙂", "https://a.example/the/of"]
)
def test_where_nobody_can_tell_it_says_so(text: str) -> None:
    assert language(text) == ("", {})


def test_shares_are_shares() -> None:
    for texts in SENTENCES.values():
        shares = language(texts[0])[1]
        assert 0 < sum(shares.values()) <= 1.001
