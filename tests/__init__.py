import pytest

pytest.register_assert_rewrite("tests.support")  # so that failed asserts there show their values
