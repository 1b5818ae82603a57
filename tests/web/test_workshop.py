"""Training in the page, by its controls: what is on show is what Python trains from the same settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.directions import FreshPlane
from lossatlas.engine import Evaluator
from lossatlas.runs import RunConfig, Setup
from lossatlas.training import Trajectory, train
from tests.web.conftest import Site, Watched, until
from tests.web.test_lab_surfaces import wait_for_surface
from tests.web.test_controls import number, readout

pytestmark = pytest.mark.browser
