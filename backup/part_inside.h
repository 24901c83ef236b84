/*
 * Shared by the files that write and read parts only.
 */
#pragma once

#include <locale.h>
#include <stddef.h>

#include "backup/frame.h"
#include "engine/base/text.h"

enum {
    TAR_BLOCK = 512,
    TAR_END_SIZE = 2 * TAR_BLOCK, /* zeros */
    TAR_HEAD_ROOM = 64 * 1024,    /* headers of one entry are never longer */
    PART_MAX_NAME = 4096,
};

/* Is it a relative path without "", "." and ".." in it, of at most PART_MAX_NAME bytes? */
bool part_name_is_safe(const char *name);

/* Appends the frame that ends an archive. */
Status part_append_end(FrameWriter *frame, Error *err);

/*
 * libarchive takes names through the locale of the thread. Writing, it must be UTF-8: without, one
 * of its setters crashes. Reading, it must not: in UTF-8 it would compose characters (e and an
 * accent become one), in C it gives the bytes as they are, with a warning. The process's own locale
 * is left alone:
 *     AUTO_LOCALE locale_t before = enter_utf8();
 */
locale_t enter_utf8(void);
locale_t enter_bytes(void);

static inline void leave_locale(const locale_t *before)
{
    (void)uselocale(*before);
}
#define AUTO_LOCALE __attribute__((cleanup(leave_locale), unused))
