"""The kind of work, from how people ask for it."""

from dataclasses import replace

import pytest

from localrouter.classify import classify
from localrouter.core.ask import Ask, Hints, Leaf, Needs
from localrouter.core.words import TASKS
from localrouter.daemon.classifying import asked

CODE = "```python\ndef total(rows):\n    return sum(r['amount'] for r in rows)\n```"
STORY = "The ferry left at dawn. " * 40

PROMPTS = [
    ("chat", "hi"),
    ("chat", "Hello there!"),
    ("chat", "Thanks, that helped a lot."),
    ("chat", "What is the capital of Mongolia?"),
    ("chat", "Recommend three novels set in Lisbon."),
    ("chat", "Write a short poem about autumn rain."),
    ("chat", "Write a polite email to my landlord asking about the heating."),
    ("chat", "Why do cats purr?"),
    ("chat", "Should I learn the violin or the cello first?"),
    ("chat", "Plan a weekend in Vienna for two people who like museums."),
    ("code", "Write a Python function that checks whether a string is a palindrome."),
    ("code", "How do I center a div in CSS?"),
    ("code", "Create a SQL query that returns the top ten customers by revenue."),
    ("code", f"What does this function do?\n{CODE}"),
    ("code", "I get TypeError: 'NoneType' object is not subscriptable when I run my script, why?"),
    ("code", "Implement a LRU cache in Rust with O(1) get and put."),
    ("code", "Give me a regex for ISO dates"),
    ("code", "Explain the difference between a mutex and a semaphore in C++ code"),
    ("code", "Schreibe eine Python-Funktion, die eine Liste sortiert."),
    ("code", "Write a script that translates a folder of files to upper case"),
    ("code_edit", f"Refactor this function to use a generator:\n{CODE}"),
    ("code_edit", f"Fix the bug in this code:\n{CODE}"),
    ("code_edit", f"Add type hints to the following function\n\n{CODE}"),
    ("code_edit", "Rename the variable `x` to `count` in src/utils/stats.py"),
    ("code_edit", f"Convert this function to TypeScript.\n{CODE}"),
    ("code_edit", "a.py\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\nApply this to the other file as well"),
    ("summarise", f"Summarize the following article in two sentences:\n\n{STORY}"),
    ("summarise", f"{STORY}\n\nTL;DR?"),
    ("summarise", "Give me the key takeaways of this meeting transcript: Anna: we ship on Friday. Ben: the tests are red."),
    ("summarise", "Fasse den folgenden Text in drei Sätzen zusammen: Der Hund lief weg."),
    ("summarise", "Résume ce texte en une phrase : Le chat dort sur le tapis."),
    ("summarise", "请总结以下文章的要点：今天天气很好。"),
    ("extract", "Extract all the email addresses from this text: write to ada@example.org or bob@example.org"),
    ("extract", "List all the people mentioned in the passage below.\n\nMarie met Pierre in Paris."),
    ("extract", "Find the invoice number, the date and the total amount in this invoice and return them as JSON:\nINVOICE 1234 2 May 2024 EUR 20"),
    ("extract", "Extrahiere alle Namen aus diesem Text: Marie traf Pierre."),
    ("extract", "Pull out the key dates from the contract below."),
    ("classify", "Classify the sentiment of this review as positive, negative or neutral: The food was cold."),
    ("classify", "Is this email spam or not? 'You have won a prize, click here'"),
    ("classify", "Label each of these tickets with one category: billing, technical, account.\n1. I cannot log in"),
    ("classify", "Which category does this belong to: sports, politics or tech? 'Parliament passed the bill.'"),
    ("classify", "Determine whether the following statement is sarcastic: Oh great, another Monday."),
    ("classify", "Klassifiziere diese Bewertung als positiv oder negativ: Das Essen war kalt."),
    ("classify", "判断这条评论的情感并进行分类：服务很差。"),
    ("translate", "Translate to German: The train is late."),
    ("translate", "How do you say 'thank you very much' in Japanese?"),
    ("translate", "Übersetze das ins Englische: Der Zug hat Verspätung."),
    ("translate", "Traduce al inglés: El tren llega tarde."),
    ("translate", "Can you translate this paragraph into Portuguese for me? The meeting is on Monday."),
    ("translate", "把下面的句子翻译成英文：火车晚点了。"),
    ("translate", "Переведи на английский: Поезд опаздывает."),
    ("math", "Solve for x: 3x + 7 = 22"),
    ("math", "What is 17 * 23 - 4?"),
    ("math", "Compute the derivative of x^3 sin(x)."),
    ("math", "Prove that the square root of 2 is irrational."),
    ("math", "A train travels 120 km in 1.5 hours. How far does it go in 4 hours at the same speed?"),
    ("math", "If a shirt costs $25 and is discounted by 20%, how much do I pay for 3 shirts?"),
    ("math", r"Evaluate $\int_0^1 x^2 e^x dx$."),
    ("math", "Berechne die Ableitung von f(x) = x^2 + 3x."),
    ("rag_qa", "Context: The warranty lasts two years from the date of purchase.\n\nQuestion: How long is the warranty?"),
    ("rag_qa", f"Based on the following passage, when did the ferry leave?\n\n{STORY}"),
    ("rag_qa", "Answer the question using only the documents below. Cite the sources.\n\n[1] The tower is 330 m tall.\n[2] It was built in 1889.\n\nHow tall is the tower?"),
    ("rag_qa", f"<document>{STORY}</document>\nWho was on board?"),
    ("rag_qa", "According to the attached policy document, how many days of leave do new parents get?\n\nPolicy: New parents get 90 days."),
    ("rag_qa", "Here is our refund policy:\n\nRefunds are possible within 30 days.\n\nCan a customer get a refund after 45 days?"),
    ("classify", "Rate the toxicity of this comment from 1 to 5: you are dumb"),
    ("translate", "Please render the following sentence in formal Japanese: See you tomorrow."),
    ("translate", 'Wie sagt man "good night" auf Italienisch?'),
    ("extract", "From the job posting below, give me the salary range, the location and the hours as JSON.\n\nWe hire a nurse in Graz..."),
    ("autocomplete", "public class Main {\n    public static void main(String[] args) {\n        System.out.pr"),
    ("agent_step", "Open my calendar, find a free slot on Thursday and invite Anna to a 30 minute call"),
    ("agent_step", "You have access to the following tools: search, calculator. Use the tools to find out the population of Oslo."),
    ("agent_step", "Thought: I need the weather.\nAction: get_weather\nAction Input: Oslo\nObservation: 3 degrees"),
    ("agent_step", "Run the tests, fix whatever fails, then commit and push to the branch."),
    ("agent_step", "Search the web for flights to Rome in May and book the cheapest one."),
    ("autocomplete", "<|fim_prefix|>def add(a, b):\n    return <|fim_suffix|>\n\nprint(add(1, 2))<|fim_middle|>"),
    ("autocomplete", "def fibonacci(n):\n    if n < 2:\n        return n\n    return "),
    ("autocomplete", "import os\n\n\ndef read_config(path):\n    with open(path) as f:\n        "),
    ("autocomplete", "Complete the following code:\n\nfunction add(a, b) {"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "prompt"), PROMPTS)
def test_prompts(task: str, prompt: str) -> None:
    found = classify(asked(prompt))
    assert found.task == task, {t: p for t, p in found.tasks.items() if p > 0.03}


def test_every_task_can_be_told() -> None:
    assert {task for task, _ in PROMPTS} == set(TASKS)


def test_the_shares_add_up_and_the_task_is_the_greatest() -> None:
    for _, prompt in PROMPTS:
        found = classify(asked(prompt))
        assert sum(found.tasks.values()) == pytest.approx(1, abs=0.01)
        assert found.tasks[found.task] == max(found.tasks.values())


def test_the_order_that_stands_first_decides() -> None:
    assert classify(asked(f"Summarize what this code does.\n{CODE}")).task == "summarise"
    assert classify(asked("Translate this summary into French: Sales rose.")).task == "translate"
    assert classify(asked("Write a function that extracts all dates from a text.")).task == "code"


def _offered(ask: Ask) -> Ask:
    return replace(ask, needs=Needs(tools=True))


def test_who_offers_tools_wants_steps() -> None:
    assert classify(_offered(asked("What is the weather in Oslo?"))).task == "agent_step"
    assert classify(_offered(asked("fix the login test"))).task == "agent_step"


def test_a_clear_wish_wins_over_tools_that_merely_lie_there() -> None:
    assert classify(_offered(asked("Translate to German: The train is late."))).task == "translate"


def test_in_a_loop_of_tools_the_wish_is_an_agents() -> None:
    result = Leaf(("messages", 1, "content"), "Der Zug kommt.", "tool_result", "content")
    ask = _offered(asked("Translate to German: The train is late."))
    looped = replace(ask, leaves=(*ask.leaves, result), hints=Hints(continues=True))
    assert classify(looped).task == "agent_step"


def test_a_hole_in_a_text_is_a_completion_whatever_stands_around_it() -> None:
    assert classify(replace(asked("# summarise the list\n"), needs=Needs(fim=True))).task == "autocomplete"


def test_named_context_makes_it_a_question_about_it() -> None:
    assert classify(replace(asked("How long is the warranty?"), context_ids=("doc-1",))).task == "rag_qa"


def test_harness_text_decides_nothing() -> None:
    """A reminder that speaks of summaries, around a greeting."""
    wrapped = "<system-reminder>Summarise the file, translate it to French and fix the bug in a.py.</system-reminder>\nhi"
    assert classify(asked(wrapped)).task == "chat"


@pytest.mark.parametrize(
    "words", ["Ich brauche Hilfe bei meinem Lebenslauf.", "¿Qué película me recomiendas?", "今日は何をしましょうか", "Как дела?"]
)
def test_no_language_is_a_task(words: str) -> None:
    assert classify(asked(words)).task == "chat"
