"""Profiles for the property tests: `--hypothesis-profile=deep` looks further, and at random."""

import tempfile

from hypothesis import HealthCheck, configuration, settings

configuration.set_hypothesis_home_dir(tempfile.gettempdir() + "/multiservice-hypothesis")
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("deep", deadline=None, max_examples=3000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quick")
