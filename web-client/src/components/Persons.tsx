import { Outlet } from '@tanstack/react-router';
import { useSession } from '~/session/session';

/** The frame of somebody's own pages: with the person everything goes at once, before the way out is found. */
export function Persons() {
  return useSession().kind === 'person' ? <Outlet /> : null;
}
