#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "nn/file.h"

namespace forger {

/// Returns the numbers of fixtures/NAME.json, which fixtures/NAME.py computed.
inline nlohmann::json read_golden(const std::string& name) {
  return nlohmann::json::parse(
      nn::read_file(FORGER_SOURCE_DIR "/tests/fixtures/" + name + ".json", 1 << 20));
}

}  // namespace forger
