# cmake -Droot=… "-Dsources=a;b" -Doutput=emitter_hash.cpp -P emitter_hash.cmake
#
# Writes a function that tells emitters apart: by a hash of the names and contents of all sources
# that decide what machine code a kernel becomes. Cached code of another emitter is not used.

set(text "")
foreach(source IN LISTS sources)
  file(SHA256 "${source}" hash)
  file(RELATIVE_PATH name "${root}" "${source}")
  string(APPEND text "${name} ${hash}\n")
endforeach()
string(SHA256 hash "${text}")
file(WRITE "${output}"
  "#include \"tenon/compile/codegen/emitter_hash.h\"\n\n"
  "namespace tenon {\n\n"
  "std::string_view emitter_hash() { return \"${hash}\"; }\n\n"
  "}  // namespace tenon\n")
