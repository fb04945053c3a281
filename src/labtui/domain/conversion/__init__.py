"""From a Compose stack to values of the app chart: pure rules, and a finding for every key. Nothing is dropped in silence."""
