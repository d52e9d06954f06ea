# Writes a C++ file that holds the texts of the kernels' files (cpp/gpu/kernel_sources.h).
#   cmake -DOUTPUT=FILE -DFOLDER=metal -P embed_kernels.cmake
file(GLOB files ${FOLDER}/*.h ${FOLDER}/*.metal)
set(text "#include \"gpu/kernel_sources.h\"\n\nnamespace bitmetal::gpu {\n\n")
string(APPEND text "std::span<const KernelSource> kernel_sources() {\n")
string(APPEND text "  static constexpr KernelSource kSources[] = {\n")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} content)
  string(APPEND text "      {\"${name}\", R\"metal(${content})metal\"},\n")
endforeach()
string(APPEND text "  };\n  return kSources;\n}\n\n}  // namespace bitmetal::gpu\n")
file(WRITE ${OUTPUT} "${text}")
