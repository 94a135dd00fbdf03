// What a file on the command line is.
//
//   MappedFile file("t10k-images");
//   content_of(file.text()) == Content::idx;
#pragma once

#include <string_view>

namespace tenon::cli {

enum class Content { unknown, safetensors, npy, npz, picture, graph, idx };

/// By the first bytes, as names may say anything; what is packed with gzip is taken for idx.
Content content_of(std::string_view bytes);

}  // namespace tenon::cli
