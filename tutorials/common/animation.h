#pragma once

#include <filesystem>
#include <string>

namespace forger::tutorials {

/// Makes RUN/samples.gif from the pictures RUN/samples/step_NNNNNN.png and returns what to print:
///
///     gif      RUN/samples.gif, 41 pictures
///
/// The pictures are evenly thinned to at most 100, and to 64 million pixels together, with the
/// first and the last. They are shown within some 8 seconds, and the last for 2 more. If they have
/// more than 256 colours, the text tells how ffmpeg makes an animation of them. A picture that
/// cannot be read, or that differs in size from the last one, is left out and named. Returns "" if
/// there are no two pictures. Never throws an exception, because an animation must not end a run.
std::string write_animation(const std::filesystem::path& run) noexcept;

}  // namespace forger::tutorials
