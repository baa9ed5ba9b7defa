#pragma once

#include <filesystem>

/// Questions to the file system. Each failure is reported as what it is.
namespace forger::nn {

/// True unless nothing has this name. A link that leads nowhere is there, and so is what the system
/// refuses to show: reading it gives an Error with the reason.
bool is_there(const std::filesystem::path& path);

/// Throws Error unless `path` is a folder. The Error says what it is instead, a file by its
/// content, or why the system refuses to tell.
void check_folder(const std::filesystem::path& path);

/// Returns `path` from the root on, without "." and "..". Throws Error where the working folder is
/// gone.
std::filesystem::path absolute_path(const std::filesystem::path& path);

}  // namespace forger::nn
