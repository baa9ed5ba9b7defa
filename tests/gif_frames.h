#pragma once

#include <doctest/doctest.h>
#include <gif_lib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "nn/data/image.h"

namespace forger {

/// What giflib reads from a GIF.
struct DecodedGif {
  std::vector<nn::Image> frames;  // 3 channels
  std::vector<int> delays;
  int loops = -1;  // how often it is shown again; 0 means for ever
};

inline DecodedGif decode_gif(const std::filesystem::path& path) {
  int error = 0;
  GifFileType* gif = DGifOpenFileName(path.c_str(), &error);
  REQUIRE(gif != nullptr);
  REQUIRE(DGifSlurp(gif) == GIF_OK);
  DecodedGif decoded;
  for (int i = 0; i < gif->ImageCount; ++i) {
    const SavedImage& saved = gif->SavedImages[i];
    for (int k = 0; i == 0 && k + 1 < saved.ExtensionBlockCount; ++k) {
      const ExtensionBlock &name = saved.ExtensionBlocks[k], &data = saved.ExtensionBlocks[k + 1];
      if (name.Function != APPLICATION_EXT_FUNC_CODE || name.ByteCount != 11) continue;
      CHECK(std::string(reinterpret_cast<const char*>(name.Bytes), 11) == "NETSCAPE2.0");
      REQUIRE(data.ByteCount == 3);
      decoded.loops = data.Bytes[1] + 256 * data.Bytes[2];
    }
    GraphicsControlBlock control;
    REQUIRE(DGifSavedExtensionToGCB(gif, i, &control) == GIF_OK);
    CHECK(control.TransparentColor == NO_TRANSPARENT_COLOR);
    decoded.delays.push_back(control.DelayTime);
    CHECK(saved.ImageDesc.Width == gif->SWidth);
    CHECK(saved.ImageDesc.Height == gif->SHeight);
    nn::Image frame{.width = gif->SWidth, .height = gif->SHeight, .channels = 3, .pixels = {}};
    for (int p = 0; p < gif->SWidth * gif->SHeight; ++p) {
      const GifColorType& colour = gif->SColorMap->Colors[saved.RasterBits[p]];
      frame.pixels.insert(frame.pixels.end(), {colour.Red, colour.Green, colour.Blue});
    }
    decoded.frames.push_back(std::move(frame));
  }
  DGifCloseFile(gif, &error);
  return decoded;
}

}  // namespace forger
