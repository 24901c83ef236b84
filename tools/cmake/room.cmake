# One room (folder) = one static library stopover_<name>, with its .sql files embedded as headers.

set(stopover_embed_script ${CMAKE_CURRENT_LIST_DIR}/embed_sql.cmake)

# <room>/foo.sql becomes <room>/foo.sql.h in the build folder, made again whenever the .sql changes.
function(stopover_embed_sql target folder)
    file(GLOB statements CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.sql)
    foreach(sql IN LISTS statements)
        get_filename_component(name ${sql} NAME)
        set(header ${PROJECT_BINARY_DIR}/generated/${folder}/${name}.h)
        add_custom_command(OUTPUT ${header}
            COMMAND ${CMAKE_COMMAND} -DSQL=${sql} -DHEADER=${header} -P ${stopover_embed_script}
            DEPENDS ${sql} ${stopover_embed_script}
            COMMENT "Embedding ${folder}/${name}" VERBATIM)
        target_sources(${target} PRIVATE ${header})
    endforeach()
endfunction()

# stopover_room(FOLDER [ROOMS may-include...] [FOREIGN pkg-config-modules...] [DEFINITIONS ...])
# A room without a .c file yet is an empty interface, so that rooms above it can already name it.
function(stopover_room folder)
    cmake_parse_arguments(PARSE_ARGV 1 room "" "" "ROOMS;FOREIGN;DEFINITIONS")
    string(REGEX REPLACE "^engine/" "" name ${folder})
    string(REPLACE "/" "_" name ${name})
    set(target stopover_${name})
    list(TRANSFORM room_ROOMS PREPEND stopover_)

    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/tools/main\\.c$")
    if(sources)
        add_library(${target} STATIC ${sources})
        set(reach PUBLIC)
        target_link_libraries(${target} PRIVATE stopover_warnings)
        stopover_embed_sql(${target} ${folder})
        stopover_link_foreign(${target} ${room_FOREIGN})
    else()
        add_library(${target} INTERFACE)
        set(reach INTERFACE)
    endif()
    target_link_libraries(${target} ${reach} stopover_options ${room_ROOMS})
    target_compile_definitions(${target} ${reach} ${room_DEFINITIONS})
    set_property(GLOBAL APPEND PROPERTY stopover_rooms ${target})
endfunction()
