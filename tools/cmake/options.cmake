# How everything is compiled: options, language, hardening, sanitizers, warnings.
# Gives the interface targets stopover_options (every room) and stopover_warnings (our own code).

option(STOPOVER_FAULT_POINTS "compile the named fault points in (tests only)" OFF)
option(STOPOVER_WERROR "warnings are errors" OFF)
option(STOPOVER_COVERAGE "count executed lines (gcov)" OFF)
set(STOPOVER_SANITIZE "" CACHE STRING "address (ASan and UBSan), thread, or empty")
set_property(CACHE STOPOVER_SANITIZE PROPERTY STRINGS "" address thread)

# Who only wants the program needs no test library; presets ask for the tests, then must have it.
find_package(PkgConfig QUIET)
if(NOT DEFINED STOPOVER_TESTS)
    set(tests_default ON)
    if(PKG_CONFIG_FOUND)
        pkg_check_modules(PROBE_CMOCKA QUIET cmocka)
        if(NOT PROBE_CMOCKA_FOUND)
            set(tests_default OFF)
            message(STATUS "cmocka is not installed (libcmocka-dev): the tests are left out")
        endif()
    endif()
endif()
option(STOPOVER_TESTS "build the tests" ${tests_default})

# Assertions stay on in every build: a migration had better stop than go on from a broken invariant.
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "kind of build" FORCE)
endif()
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

# Generated headers are included as system headers: nobody can mend a warning there.
add_library(stopover_options INTERFACE)
target_include_directories(stopover_options INTERFACE ${PROJECT_SOURCE_DIR})
target_include_directories(stopover_options SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(stopover_options INTERFACE _GNU_SOURCE
    $<$<BOOL:${STOPOVER_FAULT_POINTS}>:FAULT_POINTS>)
target_link_libraries(stopover_options INTERFACE Threads::Threads m)

add_compile_options(-fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed)

set(optimised $<CONFIG:RelWithDebInfo,Release,MinSizeRel>)
if(STOPOVER_SANITIZE STREQUAL "address")
    set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=undefined
        -fno-omit-frame-pointer)
elseif(STOPOVER_SANITIZE STREQUAL "thread")
    set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
elseif(STOPOVER_SANITIZE STREQUAL "")
    set(sanitize)
    target_compile_options(stopover_options INTERFACE
        $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
else()
    message(FATAL_ERROR
        "STOPOVER_SANITIZE is \"${STOPOVER_SANITIZE}\": use address, thread or nothing")
endif()
target_compile_options(stopover_options INTERFACE ${sanitize})
target_link_options(stopover_options INTERFACE ${sanitize})

if(STOPOVER_COVERAGE)
    target_compile_options(stopover_options INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(stopover_options INTERFACE --coverage)
endif()

add_library(stopover_warnings INTERFACE)
target_compile_options(stopover_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wundef
    -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
    -Wwrite-strings -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion
    $<$<C_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat-signedness>
    $<$<BOOL:${STOPOVER_WERROR}>:-Werror>)
