"""The declaration of the sections on searches: how sets are chosen, and when runs are stopped."""

from xt_core.config.forms import amount, count, level, text, texts
from xt_core.config.properties import Kind, Property, Section

SEARCH = Section(
    "Hyperparameter search.",
    {
        "search-type": Property(
            Kind.STRING,
            None,
            "How values are chosen; with null XT decides by the search space.",
            env="XT_SEARCH_TYPE",
            nullable=True,
            choices=("grid", "random", "tpe", "bayesian", "gp", "cmaes", "qmc", "nsga2", "dgd"),
        ),
        "search-style": Property(
            Kind.STRING,
            None,
            "When sets are chosen: before submission (static) or when their runs start (dynamic); "
            "with null static for grid and random, dynamic for the others.",
            nullable=True,
            choices=("static", "dynamic"),
        ),
        "hp-config": text(None, "A YAML or JSON file whose `hparams` are searched."),
        "option-prefix": Property(
            Kind.STRING,
            "--",
            "What stands before a hyperparameter's name in the run's command; with null the "
            "command has no hyperparameters.",
            nullable=True,
        ),
        "fn-generated-config": text(
            None, "A YAML or JSON file of each run that its hyperparameters are written to."
        ),
        "schedule": Property(
            Kind.STRING,
            None,
            "Which node does which run: dealt out beforehand (static) or whoever is free "
            "(dynamic); with null dynamic where there are several nodes.",
            nullable=True,
            choices=("static", "dynamic"),
        ),
        "aggregate-dest": Property(
            Kind.STRING,
            "job",
            "Whose runs a search learns from: its own job's or all of the experiment.",
            choices=("job", "experiment"),
        ),
        "max-minutes": Property(
            Kind.NUMBER,
            None,
            "Minutes after its submission at which a job is cancelled.",
            nullable=True,
            minimum=0.0,
        ),
        "retries": count(0, "How often a run that failed is started again.", least=0),
        "retry-exit-codes": texts(
            [], "The exit codes after which a run is started again; with none, all but 0."
        ),
        "lease-seconds": amount(
            60.0, "Seconds without a sign of life after which a node's work is handed on."
        ),
        "concurrent": count(1, "How many runs a node runs at once.", env="XT_CONCURRENT"),
        "max-runs": count(None, "The most runs of a search.", env="XT_MAX_RUNS"),
        "seed": count(
            None, "The seed of the search; with null XT draws one.", least=0, env="XT_SEED"
        ),
    },
)

EARLY_STOPPING = Section(
    "When a run of a search is stopped before its end; steps are those that it logs.",
    {
        "early-policy": Property(
            Kind.STRING,
            "none",
            "What stops a run.",
            env="XT_EARLY_POLICY",
            choices=(
                "none",
                "median",
                "percentile",
                "truncation",
                "bandit",
                "asha",
                "hyperband",
                "threshold",
                "patience",
            ),
        ),
        "delay-evaluation": amount(0.0, "No run is judged before this step."),
        "evaluation-interval": level(
            "Runs are judged at multiples of so many steps; with null at each value that they log "
            "(asha and hyperband: at their own steps).",
            least=0.0,
        ),
        "min-runs": count(
            None,
            "No run is judged before so many others have reached its step; null is 5 for median "
            "and percentile, 1 for truncation and bandit, 0 for asha and hyperband.",
            least=0,
        ),
        "percentile": amount(
            25.0,
            "With percentile: the percentage of the runs, the best ones, with which one keeps up.",
        ),
        "truncation-percentage": amount(
            20.0, "With truncation: the percentage of the running runs, the worst ones, to stop."
        ),
        "slack-factor": level(
            "With bandit: how far from the best run one may be, as a share of its value.", least=0.0
        ),
        "slack-amount": level(
            "With bandit: how far from the best run one may be, in units of the metric.", least=0.0
        ),
        "reduction-factor": count(
            3,
            "With asha and hyperband: one run of so many goes on, for so many times the steps.",
            least=2,
        ),
        "min-steps": amount(
            1.0, "With asha and hyperband: the first step at which runs are judged."
        ),
        "max-steps": level(
            "With asha and hyperband: the last step of a whole run; hyperband needs it.", least=0.0
        ),
        "lower": level("With threshold: the least value that goes on; with null there is none."),
        "upper": level("With threshold: the largest value that goes on; with null there is none."),
        "patience": count(10, "With patience: how many values in a row may be no improvement."),
        "min-delta": amount(0.0, "With patience: the least difference that is an improvement."),
    },
)
