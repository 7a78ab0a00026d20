"""What models of each family write, as their templates and documentation say: (family, template marks, answer, events).

An event is ("words", text), ("reasoning", text) or ("call", name, arguments). Short texts of our own in the published forms.
"""

from __future__ import annotations

from typing import Any

OSLO = ("call", "weather", {"city": "Oslo"})
TWO_DAYS = ("call", "weather", {"city": "Oslo", "days": 2})
NOW = ("call", "now", {})

TEXTS: list[tuple[str, str, list[Any]]] = [
    # -- hermes
    ("hermes", '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>', [OSLO]),
    ("hermes", 'Let me look.\n\n<tool_call>{"name": "now", "arguments": {}}</tool_call>\n', [("words", "Let me look."), NOW]),
    (
        "hermes",
        '<think>\nIt asks.\n\nTwice.\n</think>\n\n<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>\n'
        '<tool_call>\n{"name": "now"}\n</tool_call>',
        [("reasoning", "It asks.\n\nTwice."), TWO_DAYS, NOW],
    ),
    ("hermes", "<think>\n\n</think>\n\nFine.", [("words", "Fine.")]),
    ("hermes", '{"name": "weather", "arguments": {"city": "Oslo"}}', [OSLO]),
    ("hermes", '```json\n{"name": "weather", "arguments": {"city": "Oslo"}}\n```', [OSLO]),
    ("hermes", '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}</tool_call>', [OSLO]),
    (
        "hermes",
        '<tool_call>{"name": "weather", "arguments": {"city": "</tool_call> {\\"a\\""}}</tool_call> ok',
        [("call", "weather", {"city": '</tool_call> {"a"'}), ("words", "ok")],
    ),
    ("hermes", '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}', [("words", '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}')]),
    ("hermes", 'a <tool_call> <tool_call>{"name": "now"}</tool_call>', [("words", "a <tool_call>"), NOW]),
    (
        "hermes",
        '<tool_call>{"name": "rm", "arguments": {"x": "<tool_call>{\\"name\\": \\"now\\"}</tool_call>"}}</tool_call>',
        [("words", '<tool_call>{"name": "rm", "arguments": {"x": "<tool_call>{\\"name\\": \\"now\\"}</tool_call>"}}</tool_call>')],
    ),
    ("hermes", "a < b, <tool and <tool_cal", [("words", "a < b, <tool and <tool_cal")]),
    # -- qwen_xml
    (
        "qwen_xml",
        "<tool_call>\n<function=weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>",
        [TWO_DAYS],
    ),
    ("qwen_xml", "On it.\n<function=now>\n</function>\n</tool_call>", [("words", "On it."), NOW]),
    (
        "qwen_xml",
        "<tool_call>\n<function=weather>\n<parameter=city>\n7\n</parameter>\n<parameter=days>\nsoon\n</parameter>\n</function>\n</tool_call>",
        [("call", "weather", {"city": "7", "days": "soon"})],
    ),
    (
        "qwen_xml",
        "<tool_call>\n<function=weather>\n<parameter=city>\na\n</parameter> of\n\n b\n</parameter>\n</function>\n</tool_call>",
        [("call", "weather", {"city": "a\n</parameter> of\n\n b"})],
    ),
    (
        "qwen_xml",
        '<tool_call>\n<function=weather>\n<parameter=tags>\n["x", 1]\n</parameter>\n<parameter=near>\n{"lat": 1.50}\n</parameter>\n</function></tool_call>',
        [("call", "weather", {"tags": ["x", 1], "near": {"lat": 1.5}})],
    ),
    (
        "qwen_xml",
        "<tool_call><function=rm><parameter=x><tool_call><function=now></function></tool_call></parameter></function></tool_call>",
        [
            (
                "words",
                "<tool_call><function=rm><parameter=x><tool_call><function=now></function></tool_call></parameter></function></tool_call>",
            )
        ],
    ),
    # -- llama3
    ("llama3", '{"name": "weather", "parameters": {"city": "Oslo"}}', [OSLO]),
    ("llama3", '<|python_tag|>{"name": "now", "parameters": {}}; {"name": "weather", "parameters": {"city": "Oslo"}}', [NOW, OSLO]),
    ("llama3", '<|python_tag|>weather(city="Oslo", days=2)', [TWO_DAYS]),
    ("llama3", '[weather(city="Oslo"), now()]', [OSLO, NOW]),
    ("llama3", '{"type": "function", "function": {"name": "now", "parameters": {}}}', [NOW]),
    ("llama3", '{"name": "Oslo", "people": 700000}', [("words", '{"name": "Oslo", "people": 700000}')]),
    # -- mistral, both forms
    ("mistral", '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Oslo"}, "id": "a1b2c3d4e"}, {"name": "now", "arguments": {}}]', [OSLO, NOW]),
    ("mistral", '[TOOL_CALLS] [{"name": "rm", "arguments": {}}]', [("words", '[TOOL_CALLS] [{"name": "rm", "arguments": {}}]')]),
    ("mistral_args", 'So.[TOOL_CALLS]weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]now[ARGS]{}', [("words", "So."), OSLO, NOW]),
    ("mistral_args", '[TOOL_CALLS]weather[CALL_ID]a1b2c3d4e[ARGS]{"city": "Oslo"}', [OSLO]),
    ("mistral_args", "[THINK]Hm [ARGS].[/THINK]Hello [there]", [("reasoning", "Hm [ARGS]."), ("words", "Hello [there]")]),
    # -- gemma
    ("gemma3", '```tool_code\nweather(city="Oslo")\nprint(now())\n```', [OSLO, NOW]),
    ("gemma3", "[weather(city='Oslo', days=2)]", [TWO_DAYS]),
    ("gemma3", "```python\nprint(1)\n```", [("words", "```python\nprint(1)\n```")]),
    ("gemma4", '<|tool_call>call:weather{city:<|"|>Oslo<|"|>,days:2}<tool_call|>', [TWO_DAYS]),
    (
        "gemma4",
        '<|channel>thought\nhm\n<channel|>Well.<|tool_call>call:weather{city:<|"|>a{b},"c<|"|>,tags:[<|"|>x<|"|>,1,true],near:{lat:1.5}}<tool_call|>',
        [("reasoning", "hm"), ("words", "Well."), ("call", "weather", {"city": 'a{b},"c', "tags": ["x", 1, True], "near": {"lat": 1.5}})],
    ),
    ("gemma4", "<|channel>thought\n<channel|>Hi <channel|>there<|channel>thought\nmore<channel|>.", [("words", "Hi there"), ("reasoning", "more"), ("words", ".")]),
    ("gemma4", "<|tool_call>call:now{}<tool_call|><|tool_call>call:now{}<tool_call|>", [NOW, NOW]),
    ("functiongemma", "<start_function_call>call:weather{city:<escape>Oslo<escape>,days:2}<end_function_call>", [TWO_DAYS]),
    ("functiongemma", "<start_function_call>call:weather{city:Oslo}<end_function_call>", [OSLO]),
    # -- phi4
    ("phi4", 'functools[{"name": "weather", "arguments": {"city": "Oslo"}}, {"name": "now", "arguments": {}}]', [OSLO, NOW]),
    ("phi4", '<|tool_call|>[{"name": "now", "arguments": {}}]<|/tool_call|>', [NOW]),
    ("phi4", "Use functools.cache, or functools[0].", [("words", "Use functools.cache, or functools[0].")]),
    # -- smollm3
    ("smollm3", '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>', [OSLO]),
    ("smollm3", '<think>a</think>\n<code>\nweather(city="Oslo")\n</code>', [("reasoning", "a"), OSLO]),
    ("smollm3", "<code>x = 1</code>", [("words", "<code>x = 1</code>")]),
    # -- granite
    ("granite", '<|tool_call|>[{"name": "weather", "arguments": {"city": "Oslo"}}, {"name": "now", "arguments": {}}]', [OSLO, NOW]),
    ("granite", "<think>hm</think><response>Yes.</response>", [("reasoning", "hm"), ("words", "Yes.")]),
    # -- deepseek
    (
        "deepseek",
        "<think>\nhm</think>\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n"
        '{"city": "Oslo"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        [("reasoning", "hm"), OSLO, NOW],
    ),
    (
        "deepseek",
        'So:<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{"city": "Oslo"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        [("words", "So:"), OSLO],
    ),
    # -- harmony
    (
        "harmony",
        "<|channel|>analysis<|message|>They ask.<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>"
        '{"city": "Oslo"}<|call|>',
        [("reasoning", "They ask."), OSLO],
    ),
    (
        "harmony",
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
        '<|start|>assistant to=functions.now<|channel|>commentary json<|message|>{}<|call|>',
        [("reasoning", "a"), ("words", "I look."), NOW],
    ),
    ("harmony", "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Four.<|return|>", [("reasoning", "a"), ("words", "Four.")]),
    ("harmony", "Just words.", [("words", "Just words.")]),
    ("harmony", " to=functions.rm<|channel|>commentary<|message|>{}<|call|>", [("words", "to=functions.rm<|channel|>commentary<|message|>{}<|call|>")]),
    # -- lfm2
    ("lfm2", '<|tool_call_start|>[weather(city="Oslo", days=2), now()]<|tool_call_end|>Looking.', [TWO_DAYS, NOW, ("words", "Looking.")]),
    ("lfm2", '<|tool_call_start|>[{"name": "now", "arguments": {}}]<|tool_call_end|>', [NOW]),
    ("lfm2", "<|tool_call_start|>[weather(city='it\\'s', tags=[true, None], near={'lat': -1.5})]<|tool_call_end|>", [("call", "weather", {"city": "it's", "tags": [True, None], "near": {"lat": -1.5}})]),
    ("lfm2", "<|tool_call_start|>[weather(__import__('os'))]<|tool_call_end|>", [("words", "<|tool_call_start|>[weather(__import__('os'))]<|tool_call_end|>")]),
    # -- glm, minicpm, minimax, dsml
    (
        "glm",
        "<think>a</think>\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>"
        "<tool_call>now</tool_call>",
        [("reasoning", "a"), TWO_DAYS, NOW],
    ),
    ("glm", "<tool_call>rm<arg_key>x</arg_key><arg_value>1</arg_value></tool_call>", [("words", "<tool_call>rm<arg_key>x</arg_key><arg_value>1</arg_value></tool_call>")]),
    ("minicpm", 'Ok.<function name="weather"><param name="city">Oslo</param></function>\n<function name="now"></function>', [("words", "Ok."), OSLO, NOW]),
    ("minicpm", '<function name="weather"><param name="city"><![CDATA[a</param>\n<b>]]></param></function>', [("call", "weather", {"city": "a</param>\n<b>"})]),
    (
        "minimax",
        '<minimax:tool_call>\n<invoke name="weather">\n<parameter name="city">Oslo</parameter>\n</invoke>\n<invoke name="now">\n</invoke>\n</minimax:tool_call>',
        [OSLO, NOW],
    ),
    (
        "dsml",
        'So.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="weather">\n<｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>\n'
        '<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>',
        [("words", "So."), TWO_DAYS],
    ),
    # -- generic
    ("generic", '<TOOLCALL>[{"name": "weather", "arguments": {"city": "Oslo"}}]</TOOLCALL>', [OSLO]),
    ("generic", '<|START_THINKING|>a<|END_THINKING|><|START_ACTION|>[{"tool_call_id": "0", "tool_name": "now", "parameters": {}}]<|END_ACTION|>', [("reasoning", "a"), NOW]),
    ("generic", '<tool_calls>[{"name": "now", "arguments": {}, "id": "x"}]</tool_calls>', [NOW]),
    ("generic", '[{"name": "weather", "arguments": {"city": "Oslo"}}, {"name": "now", "arguments": {}}]', [OSLO, NOW]),
    ("generic", '{"city": "Oslo"}', [("words", '{"city": "Oslo"}')]),
]  # fmt: skip
