#pragma once

//   given: std::string text;
//   SafetensorsHeader header = parse_safetensors_header(text, "model.safetensors", 8);
//   header.tensors[0].begin;         // counted from the end of the header

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

struct SafetensorsHeader {
  struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<int64_t> shape;
    uint64_t begin = 0, end = 0;
    uint64_t at = 0;  ///< position in the file of its name in the header, for errors
  };
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads the JSON of a header: an object of tensors and `__metadata__`. Anything else is Error
/// corrupt with the byte; `first_offset` is where the text begins in the file.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view file,
                                           uint64_t first_offset);

}  // namespace tenon
