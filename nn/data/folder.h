#pragma once

#include <filesystem>
#include <string>

/// Questions to the file system. Each failure is reported as what it is.
namespace forger::nn {

/// True unless nothing has this name. A link that leads nowhere is there, and so is what the system
/// refuses to show: reading it gives an Error with the reason.
bool is_there(const std::filesystem::path& path);

/// Returns the first 512 bytes of a file, which tell its format; fewer if it is shorter. Throws
/// Error if it cannot be read, or for a folder, a pipe or a device.
std::string read_beginning(const std::filesystem::path& path);

/// Describes a file where a folder is expected: "a file that looks like a zip archive: unpack it".
/// Throws Error like read_beginning().
std::string describe_file(const std::filesystem::path& path);

/// Throws Error unless `path` is a folder. The Error says what it is instead, a file by its
/// content, or why the system refuses to tell.
void check_folder(const std::filesystem::path& path);

/// Returns `path` from the root on, without "." and "..". Throws Error where the working folder is
/// gone.
std::filesystem::path absolute_path(const std::filesystem::path& path);

}  // namespace forger::nn
