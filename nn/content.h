#pragma once

#include <string>
#include <string_view>

namespace forger::nn {

/// What a file looks like, judged by its first bytes and not its name: "a PNG image", "an HTML
/// page", "text", "an unknown format". For messages about files that are not what they should be.
std::string describe_content(std::string_view first_bytes);

/// The first bytes for a message: "<!DOCTYPE html>" in quotes if they are text, else 89 50 4e 47.
std::string show_bytes(std::string_view first_bytes);

}  // namespace forger::nn
