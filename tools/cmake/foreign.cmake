# Foreign libraries, found by pkg-config when the first room that uses them has sources.
# All missing ones are reported together, by the name of their Debian package.

set(stopover_package_sqlite3 libsqlite3-dev)
set(stopover_package_libpq libpq-dev)
set(stopover_package_libarchive libarchive-dev)
set(stopover_package_libzstd libzstd-dev)
set(stopover_package_libcjson libcjson-dev)
set(stopover_package_libcrypto libssl-dev)
set(stopover_package_libxxhash libxxhash-dev)
set(stopover_package_cmocka libcmocka-dev)

function(stopover_link_foreign target)
    foreach(module IN LISTS ARGN)
        if(PKG_CONFIG_FOUND AND NOT TARGET PkgConfig::${module})
            pkg_check_modules(${module} QUIET IMPORTED_TARGET GLOBAL ${module})
        endif()
        if(TARGET PkgConfig::${module})
            target_link_libraries(${target} PRIVATE PkgConfig::${module})
        else()
            set_property(GLOBAL APPEND PROPERTY stopover_missing ${stopover_package_${module}})
        endif()
    endforeach()
endfunction()

# Call last: a missing library ends the configuration here, with one message for all of them.
function(stopover_report_missing)
    get_property(missing GLOBAL PROPERTY stopover_missing)
    if(NOT PKG_CONFIG_FOUND)
        list(APPEND missing pkg-config)
    endif()
    if(missing)
        list(REMOVE_DUPLICATES missing)
        list(JOIN missing " " packages)
        message(FATAL_ERROR
            "libraries are missing. Install them with:\n  apt-get install ${packages}")
    endif()
endfunction()
