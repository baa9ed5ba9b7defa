#pragma once

/// Returns a + b.
double sum(double a, double b);
