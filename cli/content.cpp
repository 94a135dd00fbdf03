#include "cli/content.h"

namespace tenon::cli {

Content content_of(std::string_view bytes) {
  // The length of a header of less than 2^56 bytes, then the JSON that it counts.
  if (bytes.size() > 9 && bytes[7] == '\0' && bytes[8] == '{') return Content::safetensors;
  if (bytes.starts_with("\x93NUMPY")) return Content::npy;
  if (bytes.starts_with("PK")) return Content::npz;
  if (bytes.starts_with("\x89PNG")) return Content::picture;
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6')
    return Content::picture;
  if (bytes.starts_with("graph ")) return Content::graph;
  if (bytes.starts_with(std::string_view("\0\0", 2)) || bytes.starts_with("\x1f\x8b"))
    return Content::idx;
  return Content::unknown;
}

}  // namespace tenon::cli
