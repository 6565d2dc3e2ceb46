//! Settings that are one of a few words, like the policies of the model.

/// A word that is none of the choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of the choices")]
pub struct NotAChoice;

/// An enum with one word for each variant.
macro_rules! choice {
    ($(#[$meta:meta])* $Name:ident { $( $(#[$vmeta:meta])* $Variant:ident = $word:literal ),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name { $( $(#[$vmeta])* $Variant ),+ }

        impl $Name {
            /// The words of all choices.
            pub const CHOICES: &'static [&'static str] = &[$($word),+];

            /// The word of this choice.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $word),+ }
            }
        }

        impl std::str::FromStr for $Name {
            type Err = $crate::config::choice::NotAChoice;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$Variant),)+
                    _ => Err($crate::config::choice::NotAChoice),
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use choice;
