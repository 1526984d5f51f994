"""Tests of RAM and flash before deploying."""
