# Compiler options of every target, in one interface library.
add_library(rc_options INTERFACE)
target_compile_definitions(rc_options INTERFACE _GNU_SOURCE RC_VERSION="${PROJECT_VERSION}")
target_include_directories(rc_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(rc_options INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-align -Wstrict-prototypes -Wmissing-prototypes
  -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wconversion
  -Wno-sign-conversion     # sizes and offsets meet signed lengths of C libraries everywhere
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>   # messages are bounded on purpose: common/error.h
  -fno-omit-frame-pointer -fstack-protector-strong)
if(RC_WERROR)
  target_compile_options(rc_options INTERFACE -Werror)
endif()
if(RC_SANITIZE)
  target_compile_options(rc_options INTERFACE -fsanitize=${RC_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(rc_options INTERFACE -fsanitize=${RC_SANITIZE})
else()
  # glibc's own buffer checks do not mix with the sanitizers.
  target_compile_options(rc_options INTERFACE $<$<CONFIG:RelWithDebInfo,Release>:-D_FORTIFY_SOURCE=2>)
endif()
if(RC_COVERAGE)
  target_compile_options(rc_options INTERFACE --coverage)
  target_link_options(rc_options INTERFACE --coverage)
endif()
if(RC_MUTANTS)
  # What is shipped is built without the tests, or as a release (deploy/Dockerfile).
  if(NOT RC_TESTS OR CMAKE_BUILD_TYPE STREQUAL "Release")
    message(FATAL_ERROR "RC_MUTANTS makes programs that break their own rules: for tests only, not for RC_TESTS=OFF or a release")
  endif()
  target_compile_definitions(rc_options INTERFACE RC_MUTANTS)
endif()
if(RC_FUZZ)
  target_compile_options(rc_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
