"""Answers requests about runs without computing or writing anything."""

from __future__ import annotations

from lossatlas.errors import ReadOnlyError
from lossatlas.runs import RunConfig
from lossatlas.server.fair_queue import NOBODY, Owner
from lossatlas.server.service import RunAnswer, RunService


class ReadOnlyService(RunService):
    """A service that only knows the stored runs. Damaged ones stay where they are."""

    def request(self, config: RunConfig, owner: Owner = NOBODY) -> RunAnswer:
        """Get a run from the gallery.

        Parameters
        ----------
        config
            The configuration of the run.
        owner
            The client that asks.

        Returns
        -------
        RunAnswer
            The state of the run.

        Raises
        ------
        ReadOnlyError
            If the gallery does not have the run.
        """
        if config.id not in self._gallery:
            raise ReadOnlyError("this server only shows stored runs, and computes none; train this one in the page")
        return self.find(config.id)
