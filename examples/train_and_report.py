"""Train a recipe, evaluate it, write its report: the whole product in four lines.

python examples/train_and_report.py [RECIPE] [DATA]
"""

import sys

import cifarlab as cl


def main(recipe: str = "smoke", data: str = "digits") -> None:
    run = cl.train(recipe, data=data)
    scores = cl.evaluate(run)
    interval = scores.scores["accuracy"]
    print(f"accuracy {interval.value:.1%} (95 % interval {interval.low:.1%} to {interval.high:.1%})")
    print(f"report: {cl.report(run)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
