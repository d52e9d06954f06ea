# Writes a C++ file that holds the texts of the kernels' files (cpp/gpu/kernel_sources.h).
#   cmake -DOUTPUT=FILE -DFOLDER=metal [-DLIBRARIES=FILE.metallib|...] -P embed_kernels.cmake
file(GLOB files ${FOLDER}/*.h ${FOLDER}/*.metal)
set(text "#include \"gpu/kernel_sources.h\"\n\nnamespace bitmetal::gpu {\n\n")
string(APPEND text "std::span<const KernelSource> kernel_sources() {\n")
string(APPEND text "  static constexpr KernelSource kSources[] = {\n")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} content)
  string(APPEND text "      {\"${name}\", R\"metal(${content})metal\"},\n")
endforeach()
string(APPEND text "  };\n  return kSources;\n}\n\n")
string(APPEND text "}  // namespace bitmetal::gpu\n\n")

# The libraries are taken in by the assembler: they have megabytes.
set(lookup "")
string(REPLACE "|" ";" libraries "${LIBRARIES}")
foreach(library IN LISTS libraries)
  get_filename_component(name ${library} NAME_WE)
  string(APPEND text "EMBED(${name}, \"${library}\")\n")
  string(APPEND lookup "  if (family == \"${name}\") {\n    return {bitmetal_lib_${name}, "
         "static_cast<size_t>(bitmetal_end_${name} - bitmetal_lib_${name})};\n  }\n")
endforeach()
if(lookup)
  string(PREPEND text [=[
#ifdef __APPLE__
#define SECTION ".section __TEXT,__const\n.private_extern "
#define NAME(x) "_" #x
#define RESTORE ".text\n"
#else
#define SECTION ".pushsection .rodata,\"a\"\n.hidden "
#define NAME(x) #x
#define RESTORE ".popsection\n"
#endif
#define EMBED(name, file)                                                                        \
  asm(SECTION NAME(bitmetal_lib_##name) "\n.globl " NAME(bitmetal_lib_##name) "\n.balign 16\n"    \
      NAME(bitmetal_lib_##name) ":\n.incbin \"" file "\"\n.globl " NAME(bitmetal_end_##name) "\n" \
      NAME(bitmetal_end_##name) ":\n.byte 0\n" RESTORE);                                         \
  extern "C" __attribute__((visibility("hidden"))) const char bitmetal_lib_##name[],             \
      bitmetal_end_##name[];

]=])
endif()
string(APPEND text "namespace bitmetal::gpu {\n\n"
       "std::string_view metallib_of([[maybe_unused]] std::string_view family) {\n"
       "${lookup}  return {};\n}\n\n}  // namespace bitmetal::gpu\n")
file(WRITE ${OUTPUT} "${text}")
