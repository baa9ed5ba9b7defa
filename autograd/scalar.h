#pragma once

#include <cstdint>

namespace forger {

/// The number type of the engine. CMake builds the engine a second time with FORGER_SCALAR_DOUBLE,
/// for gradient checks only, because finite differences need the digits of float64.
#ifdef FORGER_SCALAR_DOUBLE
using Scalar = double;
#else
using Scalar = float;
#endif

}  // namespace forger
