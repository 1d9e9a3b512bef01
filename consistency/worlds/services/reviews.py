"""Where reviews of work are filed: a grade, scores with their mean, answers to questions, or a vote on a motion."""

from copy import deepcopy
from typing import Literal

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json, canonical
from consistency.worlds.services import Record, fingerprint
from consistency.worlds.tool import Arguments, Tool


class Service:
    """Filed reviews, in order."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        if "filed" in table:
            raise ConfigurationError("[world.reviews] must not have 'filed': that is where reviews are kept")
        self.filed: list[dict[str, Json]] = []
        self._context = deepcopy(table)
        self._record = record

    def snapshot(self) -> dict[str, Json]:
        """The reviews that were filed, after what the register held before."""
        return {**deepcopy(self._context), "filed": deepcopy(self.filed)}

    def file(self, review: dict[str, Json], subject: str) -> str:
        """Files a review of a subject; returns its number."""
        self.filed.append(review)
        self._record("file", subject, None, fingerprint(canonical(review).decode()))
        return f"R-{len(self.filed):03d}"


class SubmitGrade(Arguments):
    """Arguments of `submit_grade`."""

    subject: str = Field(description="What is graded.")
    grade: str = Field(pattern=r"^[A-F]$", description="The grade, one capital letter.")
    justification: str = Field(description="Why this grade, by the rubric.")


class SubmitScores(Arguments):
    """Arguments of `submit_scores`."""

    subject: str = Field(description="What is scored.")
    scores: list[float] = Field(min_length=1, description="One score per row, in the order of the sheet.")
    mean: float = Field(description="Mean of the scores.")
    summary: str = Field(description="What was found, in a few sentences.")


class SubmitAnswers(Arguments):
    """Arguments of `submit_answers`."""

    subject: str = Field(description="Which questions are answered.")
    answers: list[str] = Field(min_length=1, description="One answer per question, in their order.")


class SubmitVote(Arguments):
    """Arguments of `submit_vote`."""

    motion: str = Field(description="What is voted on.")
    vote: Literal["for", "against", "abstain"] = Field(description="The vote.")
    reason: str = Field(description="Why, for the minutes.")


def _grade(reviews: Service, asked: SubmitGrade) -> str:
    number = reviews.file({"kind": "grade", **asked.model_dump()}, asked.subject)
    return f"filed {number}: {asked.subject}, grade {asked.grade}"


def _scores(reviews: Service, asked: SubmitScores) -> str:
    number = reviews.file({"kind": "scores", **asked.model_dump()}, asked.subject)
    return f"filed {number}: {asked.subject}, {len(asked.scores)} scores, mean {asked.mean:g}"


def _answers(reviews: Service, asked: SubmitAnswers) -> str:
    number = reviews.file({"kind": "answers", **asked.model_dump()}, asked.subject)
    return f"filed {number}: {asked.subject}, {len(asked.answers)} answers"


def _vote(reviews: Service, asked: SubmitVote) -> str:
    number = reviews.file({"kind": "vote", **asked.model_dump()}, asked.motion)
    return f"filed {number}: {asked.motion}, vote {asked.vote}"


TOOLS = (
    Tool("submit_grade", "File a grade with its justification.", SubmitGrade, _grade),
    Tool("submit_scores", "File the scores of a sheet with their mean.", SubmitScores, _scores),
    Tool("submit_answers", "File answers to a set of questions.", SubmitAnswers, _answers),
    Tool("submit_vote", "Cast a vote on a motion, with the reason.", SubmitVote, _vote),
)
