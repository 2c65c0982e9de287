#!/usr/bin/env -S node --
// Without the two dashes Node 20 takes --env-file for its own, wherever it stands.
import { runBundle } from './run-bundle.js';

runBundle();
