"""Score predictions with presidio-evaluator's SpanEvaluator. Run by its own Python; knows nothing of localrouter.

stdin: JSON {"records": [{"text", "gold": [[start, end, type]], "said": [[start, end, type]]}], "iou": [0.9, 0.7]}.
stdout: JSON {"0.9": {"global": [P, R, F2], "types": {type: [P, R, F2, annotated]}}, ...}. Texts stay in the pipe.
Tokens: spaCy's rules for English, which en_core_web_sm (the evaluator's default) shares; tags are IO, as in its notebooks; default
skip words, character based.
"""

import contextlib
import json
import sys

with contextlib.redirect_stdout(sys.stderr):
    import pandas as pd
    import spacy
    from presidio_evaluator.evaluation import SpanEvaluator
    from presidio_evaluator.span_to_tag import span_to_tag


def tags(text, tokens, spans):
    return span_to_tag(
        "IO", text, [s[0] for s in spans], [s[1] for s in spans], [s[2] for s in spans], [1.0] * len(spans), tokens
    )


def main():
    asked = json.load(sys.stdin)
    nlp = spacy.blank("en")
    rows = []
    for number, record in enumerate(asked["records"]):
        tokens = nlp(record["text"])
        gold, said = (tags(record["text"], tokens, sorted(record[k])) for k in ("gold", "said"))
        rows += [(number, t.text, g, s, t.idx) for t, g, s in zip(tokens, gold, said, strict=True)]
    frame = pd.DataFrame(rows, columns=["sentence_id", "token", "annotation", "prediction", "start_indices"])
    out = {}
    for limit in asked["iou"]:
        with contextlib.redirect_stdout(sys.stderr):
            result = SpanEvaluator(iou_threshold=limit, char_based=True).calculate_score_on_df(results_df=frame, beta=2)
        types = {k: [m.precision, m.recall, m.f_beta, m.num_annotated] for k, m in result.per_type.items()}
        out[str(limit)] = {"global": [result.pii_precision, result.pii_recall, result.pii_f], "types": types}
    # NaN is no JSON: a type that was never predicted has no precision.
    json.dump(json.loads(json.dumps(out), parse_constant=lambda _: None), sys.stdout)


if __name__ == "__main__":
    main()
