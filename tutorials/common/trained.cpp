#include "tutorials/common/trained.h"

#include "tutorials/common/progress.h"
#include "tutorials/common/run_folder.h"

namespace forger::tutorials {

std::string Trained::str() const {
  return path.string() + ", after step " + grouped(position.step);
}

Trained load_trained(const std::string& given, const Chapter& chapter,
                     const std::vector<Option>& table) {
  Trained trained;
  trained.path = given.empty() ? checkpoint_path(newest_run_folder(chapter.name, "--checkpoint"))
                               : std::filesystem::path(given);
  trained.checkpoint = nn::load_checkpoint(trained.path);
  from_metadata(trained.checkpoint, trained.path.string(), chapter, table, trained.position);
  return trained;
}

}  // namespace forger::tutorials
