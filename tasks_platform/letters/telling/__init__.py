"""Tell people and programs of burials: a bug is told of once per period, at least once, by one worker."""

from tasks_platform.letters.telling.bootstep import LettersWatch

__all__ = ["LettersWatch"]
