"""The reason for Hearth, small enough for every run of the tests: more objects than the service takes
uploads, from jobs that run at once. The full size: `python3 -m tests.github.six_jobs`."""

import unittest

from tests.github.six_jobs import figures_of

JOBS, FILES, UPLOADS = 3, 40, 30  # 120 objects where the service takes 30 uploads a minute


class SixJobsTest(unittest.TestCase):
    def test_everything_is_stored_and_hit_without_a_429(self) -> None:
        figures = figures_of("hearth", JOBS, FILES, UPLOADS, 60)

        self.assertEqual(figures["stored_percent"], 100, figures)
        self.assertEqual(figures["hit_percent"], 100, figures)
        self.assertEqual(figures["pending"], 0, figures)
        self.assertEqual(figures["rate_limited"], 0, figures)

    def test_the_service_refuses_one_upload_per_object(self) -> None:
        """What the test above is worth: the same jobs without Hearth lose most of it."""
        figures = figures_of("sccache", JOBS, FILES, UPLOADS, 60)

        self.assertLess(figures["stored_percent"], 50, figures)
        self.assertGreater(figures["rate_limited"], 0, figures)


if __name__ == "__main__":
    unittest.main()
