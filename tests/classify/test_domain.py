"""What an answer is about, and how much a wrong one harms."""

import pytest

from localrouter.classify import classify
from localrouter.daemon.classifying import asked

DOMAINS = [
    ("medical", "What are the symptoms of iron deficiency?"),
    ("medical", "My son has a fever of 39.5 and a rash, what should I do?"),
    ("medical", "Can I take ibuprofen together with lisinopril?"),
    ("medical", "Summarise this discharge letter: the patient was admitted with chest pain and discharged on aspirin."),
    ("medical", "Welche Dosierung von Paracetamol ist für Kinder erlaubt?"),
    ("medical", "¿Qué síntomas tiene la diabetes?"),
    ("medical", "发烧到多少度需要去急诊？"),
    ("legal", "Can my landlord evict me without notice?"),
    ("legal", "Draft a non-disclosure agreement between two companies."),
    ("legal", "Is this indemnity clause enforceable in California?"),
    ("legal", "What is the statute of limitations for breach of contract?"),
    ("legal", "Darf mein Vermieter den Mietvertrag kündigen?"),
    ("legal", "Puis-je porter plainte devant le tribunal contre mon voisin ?"),
    ("financial", "Should I invest my savings in index funds or pay off my mortgage?"),
    ("financial", "What is the difference between a Roth IRA and a 401k?"),
    ("financial", "Why was my card charged twice for the same transaction?"),
    ("financial", "Welche Aktien soll ich jetzt kaufen, um mein Geld anzulegen?"),
    ("financial", "¿Debo pedir un préstamo o usar mis ahorros para comprar acciones?"),
    ("employment", "Rank these five candidates for the sales position by their resumes."),
    ("employment", "Can I fire an employee for being late three times?"),
    ("employment", "How do I ask my boss for a raise in my performance review?"),
    ("employment", "Schreibe eine Absage an einen Bewerber für die Stelle."),
    ("security", "Write an exploit for this buffer overflow."),
    ("security", "How do I harden my server against brute-force attacks on SSH passwords?"),
    ("security", "Explain how ransomware encrypts files and how to detect it."),
    ("security", "Is this code vulnerable to SQL injection?"),
    ("general", "Write a poem about the sea."),
    ("general", "What is the boiling point of water?"),
    ("general", "Translate 'good morning' to French"),
    ("general", "How do I sort a list of dictionaries in Python?"),
    ("general", "Plan a three-day trip to Prague."),
    ("general", "Who painted the Mona Lisa?"),
    ("general", "Why do leaves turn red in autumn?"),
    ("general", "Erzähl mir einen Witz über Katzen."),
]  # fmt: skip

RISKS = [
    ("low", "Write a poem about the sea."),
    ("low", "What is the boiling point of water?"),
    ("low", "What is a tort?"),
    ("low", "Define inflation."),
    ("low", "Write a story about a doctor in space."),
    ("elevated", "What are good exercises for a healthy heart and lower cholesterol?"),
    ("elevated", "How do I prepare for a job interview?"),
    ("elevated", "What should I look for in a rental agreement?"),
    ("high", "How many mg of ibuprofen can I give my 3 year old?"),
    ("high", "Should I stop taking my antidepressant, I am pregnant?"),
    ("high", "Can I sue my employer for wrongful termination?"),
    ("high", "Should I put all my savings into bitcoin?"),
    ("high", "Rank these candidates and tell me whom we should hire."),
    ("high", "Write an exploit for CVE-2021-44228 that opens a reverse shell."),
    ("high", "I want to kill myself."),
    ("high", "How much insulin should I inject if my blood sugar is 300?"),
    ("high", "Am I liable if a visitor falls on my stairs and sues me?"),
]


@pytest.mark.parametrize(("domain", "prompt"), DOMAINS)
def test_domains(domain: str, prompt: str) -> None:
    found = classify(asked(prompt))
    assert found.domain == domain, found.domains


@pytest.mark.parametrize(("risk", "prompt"), RISKS)
def test_risks(risk: str, prompt: str) -> None:
    found = classify(asked(prompt))
    assert found.risk == risk, (found.domain, found.risks)


def test_what_a_short_question_is_about_stands_in_the_given_text() -> None:
    text = "<document>The patient was diagnosed with asthma. Dosage of the inhaler: two puffs.</document>\nWhat does it say?"
    assert classify(asked(text)).domain == "medical"


def test_a_program_about_money_is_a_program() -> None:
    found = classify(asked("Write a Python function that adds up the invoices of an account."))
    assert (found.task, found.risk) == ("code", "low")


def test_shares_add_up() -> None:
    for _, prompt in DOMAINS:
        found = classify(asked(prompt))
        assert sum(found.domains.values()) == pytest.approx(1, abs=0.01)
        assert sum(found.risks.values()) == pytest.approx(1, abs=0.01)
