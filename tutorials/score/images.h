#pragma once

#include <string>
#include <vector>

#include "nn/data/dataset.h"
#include "nn/data/skipped.h"

namespace forger::tutorials {

struct ScoredImages {
  nn::ImageSet images;
  std::vector<nn::SkippedFile> skipped;  // of a folder of pictures
};

/// Reads the images that `./forger score` is given: an IDX file, a folder that holds
/// images-idx3-ubyte (which the chapters write), or a folder of PNG and JPEG pictures. Labels come
/// from the IDX file `labels`, else from labels-idx1-ubyte in the folder IMAGES, else from the
/// names of the folders of the first level, if each is a class of `class_names` or its number.
/// Colour pictures become grey.
///
/// Throws UsageError if a path does not exist or is the folder of a run, or if LABELS are given for
/// a folder of pictures. Throws Error if a file is not what it should be, if a picture is not 28 x
/// 28 pixels, or if there is not one label per image.
ScoredImages load_images(const std::string& path, const std::string& labels,
                         const std::vector<std::string>& class_names);

}  // namespace forger::tutorials
