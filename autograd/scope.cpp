#include "autograd/scope.h"

#include <mutex>
#include <set>

namespace forger {
namespace {

thread_local const char* innermost_module = "";
thread_local SourceLoc innermost_call_site;

}  // namespace

Scope::Scope(const char* module, SourceLoc call_site)
    : outer_module_(innermost_module), outer_call_site_(innermost_call_site) {
  innermost_module = module;
  innermost_call_site = call_site;
}

Scope::~Scope() {
  innermost_module = outer_module_;
  innermost_call_site = outer_call_site_;
}

const char* intern(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string>* const texts = new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return texts->insert(text).first->c_str();
}

const char* current_module() { return innermost_module; }
SourceLoc call_site() { return innermost_call_site; }

}  // namespace forger
