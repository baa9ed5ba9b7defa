#include "tutorials/common/draw_options.h"

namespace forger::tutorials {
namespace {

Option checkpoint_option(std::string& checkpoint, const Chapter& chapter) {
  return text_option("checkpoint", checkpoint, "FILE",
                     "checkpoint of a run (default: the newest in out/" + chapter.name + "*)");
}

Option seed_option(int64_t& seed) {
  return integer_option("seed", seed, kSeeds, "seed of the random vectors (default {})");
}

}  // namespace

std::vector<Option> generate_options(GenerateOptions& o, const Chapter& chapter,
                                     const std::string& things, const std::string& files) {
  return {
      checkpoint_option(o.checkpoint, chapter),
      integer_option("count", o.count, {1, 10'000'000}, "number of " + things + " (default {})"),
      text_option("out", o.out, "FOLDER",
                  "output folder (default: generated/ beside the checkpoint). Its " + files +
                      " are replaced"),
      seed_option(o.seed)};
}

std::vector<Option> interpolate_options(InterpolateOptions& o, const Chapter& chapter) {
  return {
      checkpoint_option(o.checkpoint, chapter),
      text_option(
          "out", o.out, "FILE.png",
          "output file, which is replaced (default: interpolation.png beside the checkpoint)"),
      integer_option("rows", o.rows, {1, 100}, "number of pairs of random vectors (default {})"),
      integer_option("columns", o.columns, {2, 100},
                     "images from one vector of a pair to the other (default {})"),
      seed_option(o.seed)};
}

}  // namespace forger::tutorials
