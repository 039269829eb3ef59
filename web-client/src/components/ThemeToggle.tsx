import { Moon, Sun } from 'lucide-react';
import { switchTheme, useTheme } from '~/stores/theme';
import { IconButton } from './Button';

/** Light or dark, for good. */
export function ThemeToggle() {
  const dark = useTheme() === 'dark';
  return (
    <IconButton label={dark ? 'Switch to the light theme' : 'Switch to the dark theme'} onPress={switchTheme}>
      {dark ? <Sun size={20} aria-hidden="true" /> : <Moon size={20} aria-hidden="true" />}
    </IconButton>
  );
}
