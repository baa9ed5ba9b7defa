#pragma once

#include <string_view>

#include "nn/data/image.h"

/// Cameras store pictures in the sensor's orientation and record in EXIF how to rotate them.
namespace forger::nn {

/// Returns the orientation, 1 to 8, in an EXIF block, which begins with a TIFF header (CIPA DC-008,
/// tag 0x0112). Returns 1, which is upright, if there is none or the block is damaged.
int exif_orientation(std::string_view block);

/// Turns and mirrors a picture of this orientation so that it is upright.
Image turn_upright(Image image, int orientation);

}  // namespace forger::nn
