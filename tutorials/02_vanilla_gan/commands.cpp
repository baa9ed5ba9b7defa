#include "commands.h"

#include <cstdio>
#include <filesystem>
#include <string>

#include "autograd/random.h"
#include "models/mlp.h"
#include "nn/file.h"
#include "nn/state.h"
#include "options.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/run_folder.h"

namespace forger::vanilla {

int generate(const tutorials::GenerateOptions&) { return 0; }

}  // namespace forger::vanilla
