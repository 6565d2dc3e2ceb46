//! A page of names, as Amazon Connect answers it.
#![no_main]

mod target;

use pegboard_connect::sources::amazon_connect::hostile::names;

target::target!(names);
