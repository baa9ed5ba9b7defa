#include "autograd/error.h"

#include "autograd/scope.h"

namespace forger {

std::string SourceLoc::str() const {
  std::string_view path = file;
#ifdef FORGER_SOURCE_DIR
  constexpr std::string_view root = FORGER_SOURCE_DIR "/";
  if (path.substr(0, root.size()) == root) path.remove_prefix(root.size());
#endif
  return std::string(path) + ":" + std::to_string(line);
}

std::string error_text(std::string_view op, std::string_view what,
                       const std::vector<std::string>& details, SourceLoc loc) {
  std::string text = std::string(op) + ": " + std::string(what);
  for (const std::string& detail : details) text += "\n  " + detail;
  if (loc.line != 0) text += "\n  at " + loc.str();
  if (*current_module() != '\0') text += std::string(", in ") + current_module();
  return text;
}

void fail(std::string_view op, std::string_view what, const std::vector<std::string>& details,
          SourceLoc loc) {
  const Composite::Call* composite = Composite::outermost();
  if (!composite) throw Error(error_text(op, what, details, loc));
  throw Error(error_text(composite->op, what, details, composite->loc));
}

}  // namespace forger
